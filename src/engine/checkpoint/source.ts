/** Random access to a file's bytes, so that weights can be read one tensor at a time. */
import { FileError } from '../base/errors';

export interface ByteSource {
  /** Length in bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`. Rejects where the file is shorter. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Bytes already in memory; reads are views, not copies. */
export function memorySource(buffer: ArrayBuffer): ByteSource {
  return {
    size: buffer.byteLength,
    read: async (offset, length) => {
      checkRange(offset, length, buffer.byteLength);
      return new Uint8Array(buffer, offset, length);
    },
  };
}

/** A Blob, or a File that was dropped: nothing is read before it is asked for. */
export function blobSource(blob: Blob): ByteSource {
  return {
    size: blob.size,
    read: async (offset, length) => {
      checkRange(offset, length, blob.size);
      const bytes = new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
      // A file that shrank since it was picked gives fewer bytes and no error.
      if (bytes.length !== length) {
        throw new FileError(
          `read ${bytes.length} bytes at offset ${offset}, expected ${length}`,
          'The file changed while it was being read: choose it again.',
        );
      }
      return bytes;
    },
  };
}

function checkRange(offset: number, length: number, size: number): void {
  if (!(offset >= 0 && length >= 0 && offset + length <= size)) {
    throw new FileError(
      `bytes ${offset} to ${offset + length} lie outside a file of ${size} bytes`,
      'The file is truncated: get it again.',
    );
  }
}
