import type { Tensor } from '../../../graph/graph';
import * as o from '../../../graph/ops';

/** Added to each block's standard deviation. */
const EPSILON = 1e-8;

/**
 * Smooth L1 (β = 1) of states [B, L, H] to the teacher's, in each block the mean over B×H divided by the unbiased standard
 * deviation of the teacher's B×H values, averaged over blocks; `skipped` blocks are left out at either end.
 */
export function aligned(states: Tensor, teacher: Tensor, skipped: number): Tensor {
  const [B, all, H] = states.shape as readonly [number, number, number];
  const L = all - 2 * skipped;
  const [own, target] = [states, teacher].map((x) => o.slice(x, 1, skipped, skipped + L)) as [Tensor, Tensor];
  const distance = o.abs(o.sub(own, target));
  const small = o.greater(states.graph.scalar(1), distance);
  const smooth = o.where(small, o.mul(o.square(distance), 0.5), o.sub(distance, 0.5));
  const centred = o.sub(target, o.reduceMean(target, [0, 2], true));
  const variance = o.mul(o.reduceSum(o.square(centred), [0, 2], true), 1 / (B * H - 1));
  return o.mul(o.reduceSum(o.div(smooth, o.add(o.sqrt(variance), EPSILON))), 1 / (B * L * H));
}
