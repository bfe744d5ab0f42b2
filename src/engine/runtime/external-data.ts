import type { ExternalWeight } from '../onnx/emit';

/**
 * Weights outside a model's bytes, as ONNX Runtime's `externalData`. It takes an array for each file, asks for its
 * `byteLength`, and once for `subarray(from, to)` when it copies the tensor to its place: the values are produced then,
 * and one scratch array holds whichever is being copied. So no more than one weight is in host memory at a time, and
 * nothing is limited by the 2 GiB of a protobuf message.
 */
export class ExternalData {
  private scratch = new Uint8Array(0);
  private failure: { readonly error: unknown } | undefined;
  readonly files: readonly { readonly path: string; readonly data: Uint8Array }[];

  constructor(weights: readonly ExternalWeight[]) {
    this.files = weights.map((weight) => ({
      path: weight.path,
      data: lateArray(weight.length, (from, to) => this.values(weight).subarray(from, to)),
    }));
  }

  /** Throws what went wrong while a weight was read: ONNX Runtime reports only that something did. */
  rethrow(): void {
    if (this.failure) throw this.failure.error;
  }

  private values({ length, write }: ExternalWeight): Uint8Array {
    try {
      if (this.scratch.length < length) this.scratch = new Uint8Array(length);
      const values = this.scratch.subarray(0, length);
      write(values);
      return values;
    } catch (error) {
      this.failure ??= { error };
      throw error;
    }
  }
}

/** An empty array that claims `length` bytes and makes them when a part of them is taken. */
export function lateArray(length: number, part: (from: number, to: number) => Uint8Array): Uint8Array {
  return Object.defineProperties(new Uint8Array(0), {
    byteLength: { value: length },
    length: { value: length },
    subarray: { value: (from = 0, to = length) => part(from, to) },
  });
}
