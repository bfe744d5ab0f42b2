import type { Tensor } from '../../../graph/graph';
import * as o from '../../../graph/ops';
import { deviation, smooth } from './distance';
import { total } from './total';

/** Added to each block's standard deviation. */
const EPSILON = 1e-8;

/**
 * Smooth L1 (β = 1) of states [B, L, H] to the teacher's, in each block the mean over B×H divided by the unbiased standard
 * deviation of the teacher's B×H values, averaged over blocks; `skipped` blocks are left out at either end.
 * @param counted the rows that have both, [B] of 0 and 1: means and deviations are over them alone. By default all
 */
export function aligned(states: Tensor, teacher: Tensor, skipped: number, counted?: Tensor): Tensor {
  const [B, all, H] = states.shape as readonly [number, number, number];
  const L = all - 2 * skipped;
  const [own, target] = [states, teacher].map((x) => o.slice(x, 1, skipped, skipped + L)) as [Tensor, Tensor];
  const distance = smooth(o.abs(o.sub(own, target)));
  if (counted) return overRows(distance, target, o.reshape(counted, [B, 1, 1]));
  const scaled = o.div(distance, o.add(deviation(target, [0, 2], B * H), EPSILON));
  return o.mul(total(scaled), 1 / (B * L * H));
}

/** The same of distances [B, L, H] over the rows with 1 in `rows` [B, 1, 1]; without such a row it is 0. */
function overRows(distance: Tensor, target: Tensor, rows: Tensor): Tensor {
  const [, L, H] = distance.shape as readonly [number, number, number];
  const { graph } = distance;
  const of = (x: Tensor): Tensor => o.reduceSum(o.mul(x, rows), [0, 2], true);
  const sum = o.reduceSum(rows);
  const count = o.mul(o.where(o.greater(sum, graph.scalar(0)), sum, graph.scalar(1)), H);
  const centred = o.sub(target, o.div(of(target), count));
  const variance = o.div(of(o.square(centred)), o.sub(count, 1));
  const scaled = o.div(o.mul(distance, rows), o.add(o.sqrt(variance), EPSILON));
  return o.div(total(scaled), o.mul(count, L));
}
