import type { DType, HostTensor } from '../base/dtype';
import type { Shape } from '../base/shape';
import { namedWeights, type Weights } from './weights';

/**
 * A model's weights where they are stored, by the input names of a whole-model program: `w.embedding`, `w.finalNorm`,
 * `w.head`, `w.{i}.{name}` of layer i. Readers keep no copy in host memory.
 */
export interface WeightSource {
  /** Every tensor, with its shape and the dtype it is stored in. */
  readonly tensors: ReadonlyMap<string, { readonly dtype: DType; readonly shape: Shape }>;
  /**
   * Values of a tensor, or of its rows [from, to), as they are stored; shape and values must not be changed.
   * Synchronous, as reads of files in a worker and of OPFS handles are, because ONNX Runtime reads external data that way.
   */
  read(name: string, from?: number, to?: number): HostTensor;
}

/** Weights in host memory as a source; reads return views. */
export function memorySource(weights: Weights): WeightSource {
  const tensors = new Map(Object.entries(namedWeights(weights)));
  return {
    tensors,
    read(name, from, to) {
      const whole = tensors.get(name);
      if (!whole) throw new RangeError(`there is no weight "${name}"`);
      return from === undefined ? whole : rowsOf(whole, from, to ?? (whole.shape[0] as number));
    },
  };
}

/** Rows [from, to) of a tensor: a view. */
function rowsOf(whole: HostTensor, from: number, to: number): HostTensor {
  const [rows, ...rest] = whole.shape as [number, ...number[]];
  const width = whole.data.length / rows;
  const data = whole.data.subarray(from * width, to * width);
  return { ...whole, shape: [to - from, ...rest], data } as HostTensor;
}
