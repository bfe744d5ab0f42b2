/** A file that ONNX Runtime reads weights from, one at a time and at once: it cannot wait for bytes. */
export interface LateFile {
  readonly size: number;
  /** Bytes [from, to); a view is enough, because they are copied at once. */
  read(from: number, to: number): Uint8Array;
}

/**
 * What is handed to ONNX Runtime in place of a file's bytes. It asks for `byteLength`, and for a `subarray` per weight: so
 * only one weight at a time is in host memory.
 */
class LateBytes extends Uint8Array<ArrayBuffer> {
  #file: LateFile;

  constructor(file: LateFile) {
    super(new ArrayBuffer(0));
    this.#file = file;
  }

  override get byteLength(): number {
    return this.#file.size;
  }

  override subarray(from = 0, to = this.#file.size): Uint8Array<ArrayBuffer> {
    return this.#file.read(from, to) as Uint8Array<ArrayBuffer>;
  }
}

export const lateBytes = (file: LateFile): Uint8Array<ArrayBuffer> => new LateBytes(file);

/** Reads a file at once where the realm can (in a worker); elsewhere, as in Node, it is read whole first. */
export async function lateFile(blob: Blob): Promise<LateFile> {
  const Reader = (globalThis as { FileReaderSync?: new () => { readAsArrayBuffer(blob: Blob): ArrayBuffer } })
    .FileReaderSync;
  if (!Reader) {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return { size: bytes.length, read: (from, to) => bytes.subarray(from, to) };
  }
  const reader = new Reader();
  return {
    size: blob.size,
    read: (from, to) => new Uint8Array(reader.readAsArrayBuffer(blob.slice(from, to))),
  };
}
