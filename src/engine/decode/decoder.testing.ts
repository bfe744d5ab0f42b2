import { ModelOnDevice } from '../model/model-on-device';
import type { Weights } from '../nn/weights';
import type { Runtime } from '../runtime/runtime';
import { Decoder } from './decoder';
import type { DecodeShape } from './programs';

/** A decoder that is its model's only user. */
export async function decoderOf(runtime: Runtime, weights: Weights, shape: DecodeShape): Promise<Decoder> {
  const model = new ModelOnDevice(runtime, shape.config, weights);
  try {
    return await Decoder.compile(model, shape);
  } finally {
    await model.release();
  }
}
