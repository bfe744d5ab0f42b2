import type { DeviceTensor } from '../runtime/tensor';
import { checkLayer, type Decoder } from './decoder';
import type { DecoderState } from './state';

/** A layer's cache over all columns. */
export interface LayerKeyValues {
  /** [B, kvHeads, T, d], after the rotation. */
  readonly keys: Float32Array;
  /** [B, kvHeads, T, d] */
  readonly values: Float32Array;
}

/**
 * Keys and values of layer 1…L at all T columns of a state: zero at columns not yet filled, meaningless where the
 * state's mask hides padding. @throws InputError if there is no such layer
 */
export async function keysAndValuesOf(
  decoder: Decoder,
  state: DecoderState,
  layer: number,
): Promise<LayerKeyValues> {
  checkLayer(decoder, layer);
  const { [`k.${layer - 1}`]: k, [`v.${layer - 1}`]: v } = state.tensors;
  const [keys, values] = await Promise.all([(k as DeviceTensor).read(), (v as DeviceTensor).read()]);
  return { keys: keys as Float32Array, values: values as Float32Array };
}
