/** Random access to a file's bytes, so that weights can be read one tensor at a time. */
import { FileError } from '../base/errors';

export interface ByteSource {
  /** Length in bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`. Rejects if the file is shorter. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** The same synchronously, if the host can. Throws if the file is shorter. */
  readonly readSync?: (offset: number, length: number) => Uint8Array<ArrayBuffer>;
}

/**
 * Reads bytes [from, to) of a Blob synchronously: FileReaderSync in a worker, `fs.readSync` in Node for files
 * opened there. ONNX Runtime requests weights while creating a session, when nothing can be awaited.
 */
export type ReadBlob = (blob: Blob, from: number, to: number) => ArrayBuffer;

/** Bytes already in memory; reads are views, not copies. */
export function memorySource(buffer: ArrayBuffer): ByteSource {
  const readSync = (offset: number, length: number): Uint8Array<ArrayBuffer> => {
    checkRange(offset, length, buffer.byteLength);
    return new Uint8Array(buffer, offset, length);
  };
  return { size: buffer.byteLength, readSync, read: async (offset, length) => readSync(offset, length) };
}

/** A Blob, or a File that was dropped: nothing is read before it is requested. */
export function blobSource(blob: Blob, readBlob?: ReadBlob): ByteSource {
  return {
    size: blob.size,
    read: async (offset, length) => {
      checkRange(offset, length, blob.size);
      return whole(await blob.slice(offset, offset + length).arrayBuffer(), offset, length);
    },
    ...(readBlob && {
      readSync: (offset, length) => {
        checkRange(offset, length, blob.size);
        return whole(
          read(() => readBlob(blob, offset, offset + length), offset),
          offset,
          length,
        );
      },
    }),
  };
}

const AGAIN = 'The file was changed or removed after it was chosen: open the checkpoint again.';

/** A file that was deleted, moved or changed since it was picked can no longer be read. */
function read(bytes: () => ArrayBuffer, offset: number): ArrayBuffer {
  try {
    return bytes();
  } catch (cause) {
    throw new FileError(`bytes at offset ${offset} could not be read (${(cause as Error).message})`, AGAIN, {
      cause,
    });
  }
}

/** A file that shrank since it was picked returns fewer bytes without an error. */
function whole(buffer: ArrayBuffer, offset: number, length: number): Uint8Array<ArrayBuffer> {
  if (buffer.byteLength !== length)
    throw new FileError(`read ${buffer.byteLength} bytes at offset ${offset}, expected ${length}`, AGAIN);
  return new Uint8Array(buffer);
}

function checkRange(offset: number, length: number, size: number): void {
  if (!(offset >= 0 && length >= 0 && offset + length <= size)) {
    throw new FileError(
      `bytes ${offset} to ${offset + length} lie outside a file of ${size} bytes`,
      'The file is truncated: get it again.',
    );
  }
}
