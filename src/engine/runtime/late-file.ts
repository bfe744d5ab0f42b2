import type { ExternalWeight } from '../onnx/emit';

/** A file that ONNX Runtime reads weights from, one at a time and synchronously: it cannot wait for bytes. */
export interface LateFile {
  readonly size: number;
  /** Bytes [from, to); a view is enough, because they are copied at once. */
  read(from: number, to: number): Uint8Array;
}

/**
 * Weights outside a model's bytes, as ONNX Runtime's `externalData`. It takes an array for each file, reads
 * its `byteLength`, and calls `subarray(from, to)` whenever it copies a tensor into place: the values are
 * produced then. So no more than one weight is in host memory at a time, and nothing is limited by the 2 GiB
 * of a protobuf message.
 */
export class LateFiles {
  private failure: { readonly error: unknown } | undefined;
  readonly files: readonly { readonly path: string; readonly data: Uint8Array }[];

  /** @param files by location, as named in the model */
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

/** A file for each weight, all written to one scratch array, since each is copied before the next is read. */
export function weightFiles(weights: readonly ExternalWeight[]): ReadonlyMap<string, LateFile> {
  let scratch = new Uint8Array(0);
  return new Map(
    weights.map(({ path, length, write }) => {
      const read = (from: number, to: number): Uint8Array => {
        if (scratch.length < length) scratch = new Uint8Array(length);
        const values = scratch.subarray(0, length);
        write(values);
        return values.subarray(from, to);
      };
      return [path, { size: length, read }];
    }),
  );
}

/** An empty array that claims `length` bytes and produces them when a part is taken. */
function lateArray(length: number, part: (from: number, to: number) => Uint8Array): Uint8Array {
  return Object.defineProperties(new Uint8Array(0), {
    byteLength: { value: length },
    length: { value: length },
    subarray: { value: (from = 0, to = length) => part(from, to) },
  });
}
