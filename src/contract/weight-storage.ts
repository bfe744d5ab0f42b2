/**
 * How programs keep the matrices of a model's layers: as float32, or in 8 bits by blocks of 32 values with a float32 scale each,
 * of which a float32 matrix is made whenever a product reads it. Everything else is float32, and so are all weights in training
 * by layers, as on WebGPU. There a matrix in 8 bits is part of each program that reads it, and in float32 all programs share it.
 */
export type WeightStorage = 'f32' | 'int8';
export const WEIGHT_STORAGES: readonly WeightStorage[] = ['f32', 'int8'];

export const STORAGE_NAMES: Readonly<Record<WeightStorage, string>> = {
  f32: 'float32',
  int8: '8 bits, by blocks of 32',
};

/** What 8 bits change, measured. Errors are relative: the norm of the difference over the norm. */
export interface StorageErrors {
  /** Of the layers' matrices; of the layers named, 1 … L. */
  readonly weights: { readonly error: number; readonly layers: readonly number[] };
  /** Of hidden states on a text. Null where float32 does not fit into memory, so that there is nothing to compare with. */
  readonly states: StatesErrors | null;
}

export interface StatesErrors {
  readonly text: string;
  readonly tokens: number;
  /** Of the hidden states of all layers, and of the layer where it is largest. */
  readonly error: number;
  readonly largest: { readonly layer: number; readonly error: number };
  /** For each share of a layer's energy: its ranks in either storage, layer by layer, of the matrix [tokens, H]. */
  readonly ranks: readonly {
    readonly share: number;
    readonly f32: readonly number[];
    readonly int8: readonly number[];
  }[];
}
