/** Weights in 16 bits and the same weights in f32, for tests that both give the same numbers. */
import type { HalfDType, HostTensor } from '../base/dtype';
import { floatsOf, graphTensor, toBf16, toF16 } from '../base/half';
import type { Weights } from './weights';

/** Rounded to 16 bits, as a checkpoint of that dtype would hold it. */
export function inHalves(host: HostTensor, dtype: HalfDType): HostTensor {
  const values = floatsOf(host);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return { dtype, shape: host.shape, data: Uint16Array.from(bits, dtype === 'f16' ? toF16 : toBf16) };
}

export function mapWeights({ outer, layers }: Weights, change: (host: HostTensor) => HostTensor): Weights {
  const all = <T extends Readonly<Record<string, HostTensor>>>(named: T): T =>
    Object.fromEntries(Object.entries(named).map(([name, host]) => [name, change(host)])) as T;
  return { outer: all(outer as never), layers: layers.map((layer) => all(layer as never)) };
}

/** All weights in f32. */
export const widenedWeights = (weights: Weights): Weights => mapWeights(weights, graphTensor);
