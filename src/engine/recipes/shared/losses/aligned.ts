import type { Tensor } from '../../../graph/graph';
import * as o from '../../../graph/ops';
import { deviation, smooth } from './distance';
import { total } from './total';

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
  const distance = smooth(o.abs(o.sub(own, target)));
  const scaled = o.div(distance, o.add(deviation(target, [0, 2], B * H), EPSILON));
  return o.mul(total(scaled), 1 / (B * L * H));
}
