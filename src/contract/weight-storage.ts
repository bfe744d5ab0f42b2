/**
 * How programs keep the matrices of a model's layers: as float32, in 16 bits, or by blocks of 32 values in 8 or 4 bits with a
 * float32 scale each. A float32 matrix is made of them whenever a product reads it. Everything else is float32, but
 * on WebGPU for a head of more than 32 MiB: it is in 16 bits then.
 *
 * 16 bits are, on WASM, float16: a checkpoint's own where it has those, and a bfloat16 one's values but for magnitudes below 2^-17,
 * which are rounded to multiples of 2^-24. Where weights are bound to programs, on WebGPU and in training by layers, there are no
 * 16-bit floats: they are fixed-point then, by blocks of 32, in multiples of a power of two, which holds bfloat16 values of at
 * least 1/128 of their block's largest.
 */
export type WeightStorage = 'f32' | 'half' | 'int8' | 'int4';
/** From the largest and most exact to the smallest. */
export const WEIGHT_STORAGES: readonly WeightStorage[] = ['f32', 'half', 'int8', 'int4'];
/** All but float32. */
export type ReducedStorage = Exclude<WeightStorage, 'f32'>;
export const REDUCED_STORAGES: readonly ReducedStorage[] = ['half', 'int8', 'int4'];

export const STORAGE_NAMES: Readonly<Record<WeightStorage, string>> = {
  f32: 'float32',
  half: '16 bits',
  int8: '8 bits, by blocks of 32',
  int4: '4 bits, by blocks of 32',
};
/** As in "matrices in 8 bits". */
export const STORAGE_SHORT: Readonly<Record<WeightStorage, string>> = {
  f32: 'float32',
  half: '16 bits',
  int8: '8 bits',
  int4: '4 bits',
};

/** What storages other than float32 change, measured. Errors are relative: the norm of the difference over the norm. */
export interface StorageErrors {
  /** The layers whose matrices were compared, 1 … L. */
  readonly layers: readonly number[];
  /** Hidden states that the others' are compared with. Null where nothing fits that is near enough. */
  readonly reference: ReferenceStates | null;
  /** In the order of `REDUCED_STORAGES`. */
  readonly storages: readonly StorageError[];
}

export interface ReferenceStates {
  /** float32, or, where that does not fit and the checkpoint has 16 bits, float16. */
  readonly storage: 'f32' | 'half';
  readonly text: string;
  readonly tokens: number;
  /** Shares of a layer's energy, and the ranks that hold them of the matrix [tokens, H], by share and layer. */
  readonly shares: readonly number[];
  readonly ranks: readonly (readonly number[])[];
}

export interface StorageError {
  readonly storage: ReducedStorage;
  /** Null where the matrices cannot be kept so. */
  readonly weights: {
    readonly error: number;
    /** Values that are not zero and become zero, as a share of all. */
    readonly zeroed: number;
  } | null;
  /** Why they cannot. */
  readonly refused?: string;
  /** Null where there is no reference, or no room for this storage. */
  readonly states: StatesError | null;
}

export interface StatesError {
  /** Of the hidden states of all layers, and of the layer where it is largest. */
  readonly error: number;
  readonly largest: { readonly layer: number; readonly error: number };
  /** As those of the reference. */
  readonly ranks: readonly (readonly number[])[];
}
