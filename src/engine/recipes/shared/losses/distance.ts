import type { Tensor } from '../../../graph/graph';
import * as o from '../../../graph/ops';
import { total } from './total';

export interface DistanceForm {
  readonly form: 'l1' | 'smooth-l1';
  /** What the distance is divided by: the target's unbiased standard deviation in each layer, or over all layers. */
  readonly scale: 'layer' | 'all' | 'none';
  /** Average over L + 1 layers: the embedding layer, where the two are equal, counts as one more. */
  readonly embeddings: boolean;
}

/**
 * The distance between hidden states and a target, both [B, L, H]: L1 or smooth L1 (β = 1), the mean over
 * B×H of each layer, divided by the target's standard deviation, averaged over layers (CODI eq. 5 and §3.5). A scalar.
 */
export function stateDistance(
  states: Tensor,
  target: Tensor,
  { form, scale, embeddings }: DistanceForm,
): Tensor {
  const [B, L, H] = target.shape as readonly [number, number, number];
  const difference = o.abs(o.sub(states, target));
  const each = form === 'l1' ? difference : smooth(difference);
  const axes = scale === 'layer' ? [0, 2] : [0, 1, 2];
  const count = scale === 'layer' ? B * H : B * L * H;
  const scaled = scale === 'none' ? each : o.div(each, deviation(target, axes, count));
  return o.mul(total(scaled), 1 / (B * H * (L + (embeddings ? 1 : 0))));
}

/** Smooth L1 (β = 1) of absolute differences: half the square below 1, the value less a half above it. */
export function smooth(difference: Tensor): Tensor {
  const small = o.greater(difference.graph.scalar(1), difference);
  return o.where(small, o.mul(o.square(difference), 0.5), o.sub(difference, 0.5));
}

/** Unbiased standard deviation over axes that hold `count` values. */
export function deviation(x: Tensor, axes: readonly number[], count: number): Tensor {
  const centred = o.sub(x, o.reduceMean(x, axes, true));
  return o.sqrt(o.mul(o.reduceSum(o.square(centred), axes, true), 1 / (count - 1)));
}
