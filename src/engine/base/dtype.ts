/** Element types of tensors. `bool` is stored as one byte; `bf16` and `f16` are storage types of checkpoints. */
export type DType = 'f32' | 'f16' | 'bf16' | 'i32' | 'i64' | 'bool';

/** Bytes an element takes. */
export const DTYPE_BYTES: Readonly<Record<DType, number>> = {
  f32: 4,
  f16: 2,
  bf16: 2,
  i32: 4,
  i64: 8,
  bool: 1,
};

/** What the compute graph itself works in; everything else is converted on load. */
export type GraphDType = 'f32' | 'i32' | 'bool';

/** Host-side data of a graph tensor: f32 → Float32Array, i32 → Int32Array, bool → Uint8Array. */
export type HostData = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/** A tensor in host memory. */
export interface HostTensor {
  readonly dtype: GraphDType;
  readonly shape: readonly number[];
  readonly data: HostData;
}

/** An uninitialised host array for a graph dtype. */
export function allocate(dtype: GraphDType, length: number): HostData {
  switch (dtype) {
    case 'f32':
      return new Float32Array(length);
    case 'i32':
      return new Int32Array(length);
    case 'bool':
      return new Uint8Array(length);
  }
}
