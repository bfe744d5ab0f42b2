import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import {
  addChunk,
  chunksOf,
  logitChunks,
  logSumOf,
  type OnlineSum,
  type VocabularyModel,
} from './vocabulary';

/** Below every logit, and finite: an infinity would mean that something went wrong. */
const LOWEST = -3.4e38;
/** Above every token id, and exact in float32. */
const NO_ID = 2 ** 24;

/** Ids of a chunk as floats, [1, Vc]: exact below 2^24. */
function idsOf(x: Tensor, from: number): Tensor {
  const columns = x.shape[1] as number;
  return x.graph.constant(
    Float32Array.from({ length: columns }, (_, i) => from + i),
    [1, columns],
  );
}

/** The smallest of `ids` (broadcast to x) where x equals `max`, so that ties go to the first, [n, 1]. */
const firstId = (x: Tensor, max: Tensor, ids: Tensor): Tensor =>
  o.neg(o.reduceMax(o.where(o.equal(x, max), o.neg(ids), -NO_ID), [-1], true));

/**
 * The most probable next token of final hidden states [n, H], ties going to the lowest id: `id` i32 [n] and
 * `logProbability` [n] in nats, which is not finite where a logit is NaN or +∞.
 */
export function mostProbable(
  model: VocabularyModel,
  hidden: Tensor,
): { readonly id: Tensor; readonly logProbability: Tensor } {
  const chunks = chunksOf(model);
  const n = hidden.shape[0] as number;
  let sum: OnlineSum | undefined;
  let best: Tensor | undefined;
  logitChunks(model, hidden).forEach((x, c) => {
    const own = o.reduceMax(x, [-1], true);
    const first = firstId(x, own, idsOf(x, chunks[c]?.from ?? 0));
    // A tie in a later chunk does not win.
    best = best && sum ? o.where(o.greater(own, sum.max), first, best) : first;
    sum = addChunk(sum, x);
  });
  return {
    id: o.reshape(o.cast(best as Tensor, 'i32'), [n]),
    logProbability: o.reshape(o.neg(o.log((sum as OnlineSum).sum)), [n]),
  };
}

/**
 * The k most probable tokens of softmax(scale·logits) of final hidden states [n, H], most probable first, ties going to
 * the lowest id: `ids` i32 and `logProbabilities` [n, k], and `entropy` [n] in nats, not finite where a logit is not.
 * @param scale [1, 1], 1/τ  @param k at most V
 */
export function mostProbableTokens(
  model: VocabularyModel,
  hidden: Tensor,
  scale: Tensor,
  k: number,
): { readonly ids: Tensor; readonly logProbabilities: Tensor; readonly entropy: Tensor } {
  const chunks = chunksOf(model);
  const n = hidden.shape[0] as number;
  let sum: OnlineSum | undefined;
  /** Σ e·(x − M) over everything summed so far. */
  let slope: Tensor | undefined;
  const found: Candidates[] = [];
  logitChunks(model, hidden).forEach((logits, c) => {
    const x = o.mul(logits, scale);
    found.push(largest(x, idsOf(x, chunks[c]?.from ?? 0), Math.min(k, x.shape[1] as number)));
    const before = sum;
    const added = addChunk(before, x);
    const own = o.reduceSum(o.mul(added.weights, o.sub(x, added.max)), [-1], true);
    slope =
      slope && before && added.scale
        ? o.add(o.mul(o.add(slope, o.mul(before.sum, o.sub(before.max, added.max))), added.scale), own)
        : own;
    sum = added;
  });
  const total = sum as OnlineSum;
  const join = (parts: readonly Tensor[]): Tensor => o.concat(parts, 1);
  const top =
    found.length === 1
      ? (found[0] as Candidates)
      : largest(join(found.map(({ values }) => values)), join(found.map(({ ids }) => ids)), k);
  return {
    ids: o.cast(top.ids, 'i32'),
    logProbabilities: o.sub(top.values, logSumOf(total)),
    entropy: o.reshape(o.sub(o.log(total.sum), o.div(slope as Tensor, total.sum)), [n]),
  };
}

/** [n, k] each. */
interface Candidates {
  readonly values: Tensor;
  readonly ids: Tensor;
}

/** The k largest values of each row, one after another, with their ids (ids broadcast to x). */
function largest(x: Tensor, ids: Tensor, k: number): Candidates {
  const values: Tensor[] = [];
  const found: Tensor[] = [];
  let left = x;
  for (let j = 0; j < k; j++) {
    const max = o.reduceMax(left, [-1], true);
    const id = firstId(left, max, ids);
    values.push(max);
    found.push(id);
    left = o.where(o.equal(ids, id), LOWEST, left);
  }
  return { values: o.concat(values, 1), ids: o.concat(found, 1) };
}
