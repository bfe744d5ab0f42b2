/** Element types of tensors. `bool` is stored as one byte; `bf16` and `f16` are storage types of checkpoints. */
export type DType = 'f32' | 'f16' | 'bf16' | 'i32' | 'i64' | 'bool';

/** Bytes per element. */
export const DTYPE_BYTES: Readonly<Record<DType | PackedDType, number>> = {
  f32: 4,
  f16: 2,
  bf16: 2,
  i32: 4,
  i64: 8,
  bool: 1,
  u8: 1,
  i4: 0.5,
};

/** Element types that the compute graph works in. */
export type GraphDType = 'f32' | 'i32' | 'bool';

/** What multiples of blocks (blocks.ts) are bound to programs as: bytes above 128, and signed multiples of 4 bits, two a byte. */
export type PackedDType = 'u8' | 'i4';
export type BoundDType = GraphDType | PackedDType;

/** Other types that weights may be stored in: they become f32 graph tensors when they are uploaded or baked in. */
export type HalfDType = 'f16' | 'bf16';

/** Host-side data of a graph tensor: f32 → Float32Array, i32 → Int32Array, bool → Uint8Array. */
export type HostData = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/** A tensor in host memory, in a type that the graph works in. */
export interface GraphHostTensor {
  readonly dtype: GraphDType;
  readonly shape: readonly number[];
  readonly data: HostData;
}

/** A weight in host memory as its checkpoint stores it, at half the size of f32: bit patterns, one per element. */
export interface HalfHostTensor {
  readonly dtype: HalfDType;
  readonly shape: readonly number[];
  readonly data: Uint16Array<ArrayBuffer>;
}

/** A tensor in host memory. Read elements of a weight with `floatsOf` (half.ts), never from `data` directly. */
export type HostTensor = GraphHostTensor | HalfHostTensor;

/** A part of a matrix that is kept by blocks, in host memory. */
export interface PackedHostTensor {
  readonly dtype: PackedDType;
  readonly shape: readonly number[];
  readonly data: Uint8Array<ArrayBuffer>;
}

/** An uninitialised host array for so many values. */
export function allocate(dtype: BoundDType, length: number): HostData {
  switch (dtype) {
    case 'f32':
      return new Float32Array(length);
    case 'i32':
      return new Int32Array(length);
    case 'bool':
    case 'u8':
    case 'i4':
      return new Uint8Array(Math.ceil(length * DTYPE_BYTES[dtype]));
  }
}
