import type { Tensor } from '../../../graph/graph';
import * as o from '../../../graph/ops';

export interface StateDistance {
  readonly kind: 'l1' | 'smoothL1';
  /** Over the hidden size. */
  readonly over: 'mean' | 'sum';
}

/**
 * Distance of hidden states [B, L, H] from target states, each layer divided by the unbiased standard deviation of the
 * target's B·H values in it; the mean over layers and samples (DART §3.2; CODI's code, with smooth L1 and the mean over H).
 */
export function stateDistance(states: Tensor, target: Tensor, { kind, over }: StateDistance): Tensor {
  const [B, L, H] = target.shape as readonly [number, number, number];
  const distance = o.abs(o.sub(states, target));
  const each = kind === 'l1' ? distance : smooth(distance);
  const centred = o.sub(target, o.reduceMean(target, [0, 2], true));
  const variance = o.mul(o.reduceSum(o.square(centred), [0, 2], true), 1 / (B * H - 1));
  const sum = o.reduceSum(o.div(each, o.sqrt(variance)));
  return o.mul(sum, 1 / (B * L * (over === 'mean' ? H : 1)));
}

/** Smooth L1 (β = 1) of absolute differences. */
export function smooth(distance: Tensor): Tensor {
  const small = o.greater(distance.graph.scalar(1), distance);
  return o.where(small, o.mul(o.square(distance), 0.5), o.sub(distance, 0.5));
}
