import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { DecoderConfig } from './config';

/**
 * What an MLP's first product [rows, 2I] (gate and up side by side) or [rows, I] (up alone) becomes before `down`: [rows, I].
 */
export function activated({ activation, intermediateSize: I }: DecoderConfig, x: Tensor): Tensor {
  if (activation === 'gelu_new') return geluNew(x);
  return o.mul(o.silu(o.slice(x, 1, 0, I)), o.slice(x, 1, I, 2 * I));
}

/**
 * GELU by tanh, ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))), written as x·σ(2√(2/π)·(x + 0.044715·x³)), which it equals: the
 * difference of two nearly equal numbers, 1 − tanh, is not taken where x is very negative.
 */
function geluNew(x: Tensor): Tensor {
  const slope = 2 * Math.sqrt(2 / Math.PI);
  const inner = o.mul(x, o.add(o.mul(o.square(x), slope * 0.044715), slope));
  return o.mul(x, o.sigmoid(inner));
}
