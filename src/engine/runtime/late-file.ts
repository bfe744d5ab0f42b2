import { lateArray } from './external-data';

/** A file that ONNX Runtime reads weights from, one at a time and at once: it cannot wait for bytes. */
export interface LateFile {
  readonly size: number;
  /** Bytes [from, to); a view is enough, because they are copied at once. */
  read(from: number, to: number): Uint8Array;
}

/**
 * What is handed to ONNX Runtime in place of files' bytes. It asks for `byteLength`, and for a `subarray` per weight: so
 * only one weight at a time is in host memory.
 */
export class LateFiles {
  private failure: { readonly error: unknown } | undefined;
  readonly files: readonly { readonly path: string; readonly data: Uint8Array }[];

  constructor(files: ReadonlyMap<string, LateFile>) {
    this.files = [...files].map(([path, file]) => ({
      path,
      data: lateArray(file.size, (from, to) => this.read(file, from, to)),
    }));
  }

  /** Throws what went wrong while a weight was read: ONNX Runtime reports only that something did. */
  rethrow(): void {
    if (this.failure) throw this.failure.error;
  }

  private read(file: LateFile, from: number, to: number): Uint8Array {
    try {
      return file.read(from, to);
    } catch (error) {
      this.failure ??= { error };
      throw error;
    }
  }
}
