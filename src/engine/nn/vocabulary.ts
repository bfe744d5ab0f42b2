import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import { logits, type StackModel } from './stack';

/**
 * Cross entropy of the head: Σ weight·(logsumexp(logits) − logits[target]), a scalar.
 * @param hidden final hidden states [n, H]  @param targets i32, n values  @param weights n values
 */
export function headCrossEntropy(
  model: StackModel,
  hidden: Tensor,
  targets: Tensor,
  weights: Tensor,
): Tensor {
  const rows = logits(model, hidden);
  const { graph } = rows;
  const [n, V] = rows.shape as readonly [number, number];
  const classes = graph.constant(
    Int32Array.from({ length: V }, (_, i) => i),
    [1, V],
    'i32',
  );
  const picked = o.reduceSum(o.where(o.equal(o.reshape(targets, [n, 1]), classes), rows, 0), [1], true);
  return o.reduceSum(o.mul(o.sub(o.logSumExp(rows), picked), o.reshape(weights, [n, 1])));
}
