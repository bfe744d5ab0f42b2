import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import {
  addChunk,
  chunksOf,
  logits,
  logitsOf,
  logSumOf,
  type OnlineSum,
  overChunks,
  recomputed,
  type VocabularyChunk,
  type VocabularyModel,
} from './vocabulary';

/**
 * log p(target) in nats of each row, [n, 1]: the negative is its cross entropy.
 * @param hidden final hidden states [n, H]  @param targets i32, n values
 */
export function tokenLogProbabilities(model: VocabularyModel, hidden: Tensor, targets: Tensor): Tensor {
  const chunks = chunksOf(model);
  const n = hidden.shape[0] as number;
  const { graph } = hidden;
  const target = o.reshape(targets, [n, 1]);
  const isTarget = ({ from, rows }: VocabularyChunk): Tensor => {
    const ids = Int32Array.from({ length: rows }, (_, i) => from + i);
    return o.equal(target, graph.constant(ids, [1, rows], 'i32'));
  };
  const pickedOf = (chunk: VocabularyChunk, rows: Tensor): Tensor =>
    o.reduceSum(o.where(isTarget(chunk), rows, 0), [1], true);
  if (chunks.length === 1) {
    const rows = logits(model, hidden);
    return o.sub(pickedOf(chunks[0] as VocabularyChunk, rows), o.logSumExp(rows));
  }
  let sum: OnlineSum | undefined;
  const picked = overChunks(chunks, (chunk) => {
    const rows = logitsOf(hidden, chunk.head);
    sum = addChunk(sum, rows);
    return pickedOf(chunk, rows);
  });
  const logSum = logSumOf(sum as unknown as OnlineSum);
  return o.withGradient(o.sub(picked, logSum), [hidden, ...chunks.map(({ head }) => head)], (dy) => {
    const again = recomputed(hidden, dy);
    // Chunk by chunk; what is for a head that is not trained is left out with all that nothing reads.
    const heads: Tensor[] = [];
    const dHidden = overChunks(chunks, (chunk) => {
      const p = o.exp(o.sub(logitsOf(again, chunk.head), logSum));
      const dLogits = o.mul(o.sub(o.where(isTarget(chunk), 1, 0), p), dy);
      heads.push(o.gemm(dLogits, again, { transA: true }));
      return o.gemm(dLogits, chunk.head);
    });
    return [dHidden, ...heads];
  });
}

/**
 * KL(π ‖ π_ref) = Σ p·(log p − log q) over the whole vocabulary, of each row, [n, 1] in nats. No gradient flows to the
 * reference.
 * @param hidden, reference final hidden states [n, H] of the two models, whose head is the same
 */
export function klDivergence(model: VocabularyModel, hidden: Tensor, reference: Tensor): Tensor {
  const chunks = chunksOf(model);
  const fixed = o.stopGradient(reference);
  if (chunks.length === 1) {
    const [x, y] = [logits(model, hidden), logits(model, fixed)];
    const ratio = o.sub(o.sub(x, o.logSumExp(x)), o.sub(y, o.logSumExp(y)));
    return o.reduceSum(o.mul(o.softmax(x), ratio), [1], true);
  }
  const logSum = (states: Tensor): Tensor =>
    logSumOf(
      chunks.reduce<OnlineSum | undefined>(
        (sum, { head }) => addChunk(sum, logitsOf(states, head)),
        undefined,
      ) as OnlineSum,
    );
  const [ofHidden, ofFixed] = [logSum(hidden), logSum(fixed)];
  const of = (states: Tensor, others: Tensor, { head }: VocabularyChunk) => {
    const logP = o.sub(logitsOf(states, head), ofHidden);
    return { p: o.exp(logP), ratio: o.sub(logP, o.sub(logitsOf(others, head), ofFixed)) };
  };
  // The sums above have gone over all chunks: what they were made of is not kept for this second pass.
  const [second, secondFixed] = [recomputed(hidden, ofHidden), recomputed(fixed, ofFixed)];
  const divergence = overChunks(chunks, (chunk) => {
    const { p, ratio } = of(second, secondFixed, chunk);
    return o.reduceSum(o.mul(p, ratio), [1], true);
  });
  return o.withGradient(divergence, [hidden, fixed, ...chunks.map(({ head }) => head)], (dy) => {
    const [again, againFixed] = [recomputed(hidden, dy), recomputed(fixed, dy)];
    return [
      overChunks(chunks, (chunk) => {
        const { p, ratio } = of(again, againFixed, chunk);
        return o.gemm(o.mul(o.mul(p, o.sub(ratio, divergence)), dy), chunk.head);
      }),
    ];
  });
}
