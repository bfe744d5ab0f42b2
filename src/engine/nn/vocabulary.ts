import { ConfigError } from '../base/errors';
import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { DecoderConfig } from './config';
import { type OuterTensors, vocabularyRanges } from './weights';

/**
 * Everything that runs over the vocabulary V. Where embedding and head are one tensor each, this is the textbook graph
 * over logits [n, V]. Where they are split into chunks of rows, no tensor [n, V] exists: each sum over V is taken chunk by
 * chunk with a running maximum (the online softmax of Milakov & Gimelshein, arXiv:1805.02867), and the reverse pass
 * recomputes each chunk's logits rather than keeping them.
 */
export interface VocabularyModel {
  readonly config: DecoderConfig;
  readonly outer: OuterTensors;
}

/** Rows [from, to) of embedding and head. */
export interface VocabularyChunk {
  /** First row. */
  readonly from: number;
  readonly rows: number;
  /** [rows, H] each; one tensor where they are tied. */
  readonly embedding: Tensor;
  readonly head: Tensor;
}

export function chunksOf({ config, outer }: VocabularyModel): VocabularyChunk[] {
  const head = outer.head ?? outer.embedding;
  return vocabularyRanges(config).map(({ from, to }, c) => ({
    from,
    rows: to - from,
    embedding: outer.embedding[c] as Tensor,
    head: head[c] as Tensor,
  }));
}

/** Prefix of an input that takes the embeddings of the token ids of that name, see `fedEmbeddings`. */
export const EMBEDDED = 'embedding of ';

/** Rows of the embedding for token ids of any shape: [ids…, H] as [rows, H]. */
export function embed(model: VocabularyModel, ids: Tensor): Tensor {
  const rows = ids.shape.reduce((n, d) => n * d, 1);
  if (model.config.fedEmbeddings && ids.op === 'input')
    return ids.graph.input(EMBEDDED + ids.name, [rows, model.config.hiddenSize]);
  const flat = o.reshape(ids, [rows]);
  const chunks = chunksOf(model);
  const [whole] = chunks as [VocabularyChunk];
  if (chunks.length === 1) return o.gather(whole.embedding, flat);
  // Ids are exact in float32: vocabularies are far smaller than 2^24.
  const id = o.cast(flat, 'f32');
  const at = (edge: number): Tensor => id.graph.scalar(edge - 0.5);
  return chunks
    .map(({ from, rows: count, embedding }) => {
      const own = o.where(o.greater(at(from + count), id), o.sub(id, from), -1);
      const inside = o.greater(own, id.graph.scalar(-0.5));
      const found = o.gather(embedding, o.cast(o.where(inside, own, 0), 'i32'));
      return o.where(o.reshape(inside, [rows, 1]), found, 0);
    })
    .reduce((sum, part) => o.add(sum, part));
}

/** Logits [rows, Vc] of final hidden states [rows, H], one tensor per chunk. */
export const logitChunks = (model: VocabularyModel, hidden: Tensor): Tensor[] =>
  chunksOf(model).map(({ head }) => logitsOf(hidden, head));

export const logitsOf = (hidden: Tensor, head: Tensor): Tensor => o.gemm(hidden, head, { transB: true });

/**
 * Logits [rows, V] of final hidden states [rows, H].
 * @throws ConfigError if the vocabulary is in chunks: then no tensor may span all of it
 */
export function logits(model: VocabularyModel, hidden: Tensor): Tensor {
  const chunks = logitChunks(model, hidden);
  if (chunks.length > 1)
    throw new ConfigError(
      `logits over all ${model.config.vocabSize} tokens were asked for, but the vocabulary is in ${chunks.length} chunks`,
      'Ask for the logits chunk by chunk.',
    );
  return chunks[0] as Tensor;
}

/** A running softmax: the maximum M and Σ exp(x − M) of the chunks seen so far, [n, 1] each. */
export interface OnlineSum {
  readonly max: Tensor;
  readonly sum: Tensor;
}

/**
 * Adds a chunk x [n, Vc] to a running softmax.
 * @returns the new sum, exp(x − M), and the factor by which earlier sums must be scaled
 */
export function addChunk(
  before: OnlineSum | undefined,
  x: Tensor,
): OnlineSum & { readonly weights: Tensor; readonly scale: Tensor | undefined } {
  const own = o.reduceMax(x, [-1], true);
  const max = before ? o.where(o.greater(before.max, own), before.max, own) : own;
  const weights = o.exp(o.sub(x, max));
  const total = o.reduceSum(weights, [-1], true);
  if (!before) return { max, sum: total, weights, scale: undefined };
  const scale = o.exp(o.sub(before.max, max));
  return { max, sum: o.add(o.mul(before.sum, scale), total), weights, scale };
}

export const logSumOf = ({ max, sum }: OnlineSum): Tensor => o.add(o.log(sum), max);

/** softmax(logits/τ)·E of final hidden states [n, H]: a mixture of word embeddings, [n, H]. */
export function softmaxMixture(model: VocabularyModel, hidden: Tensor, temperature: number): Tensor {
  const chunks = chunksOf(model);
  const scaled = (h: Tensor, { head }: VocabularyChunk): Tensor => o.mul(logitsOf(h, head), 1 / temperature);
  const [whole] = chunks as [VocabularyChunk];
  if (chunks.length === 1) return o.gemm(o.softmax(scaled(hidden, whole)), whole.embedding);
  let sum: OnlineSum | undefined;
  let mixed: Tensor | undefined;
  for (const chunk of chunks) {
    const added = addChunk(sum, scaled(hidden, chunk));
    const own = o.gemm(added.weights, chunk.embedding);
    mixed = mixed && added.scale ? o.add(o.mul(mixed, added.scale), own) : own;
    sum = added;
  }
  const total = sum as OnlineSum;
  const z = o.div(mixed as Tensor, total.sum);
  const logSum = logSumOf(total);
  const primals = [hidden, ...chunks.flatMap(({ head, embedding }) => [head, embedding])];
  return o.withGradient(z, primals, (dz) => {
    const mean = o.reduceSum(o.mul(dz, z), [-1], true);
    const again = recomputed(hidden, mean);
    // Chunk by chunk; what is for a head or an embedding that is not trained is left out with all that nothing reads.
    const weights: Tensor[] = [];
    const dHidden = overChunks(chunks, (chunk) => {
      const p = o.exp(o.sub(scaled(again, chunk), logSum));
      const slope = o.sub(logitsOf(dz, chunk.embedding), mean);
      const dLogits = o.mul(p, slope);
      weights.push(
        o.mul(o.gemm(dLogits, again, { transA: true }), 1 / temperature),
        o.gemm(p, dz, { transA: true }),
      );
      return o.mul(o.gemm(dLogits, chunk.head), 1 / temperature);
    });
    return [dHidden, ...weights];
  });
}

/**
 * Equal to `hidden` to the bit, but a node of its own that waits for `later`, a cotangent or whatever else an earlier pass
 * over the chunks ends with: what is derived from it is computed again then, whereas the same expression of `hidden`
 * itself would be the earlier pass's node, kept until then.
 */
export const recomputed = (hidden: Tensor, later: Tensor): Tensor => o.add(hidden, o.mul(later, 0));

export const overChunks = (
  chunks: readonly VocabularyChunk[],
  part: (chunk: VocabularyChunk) => Tensor,
): Tensor => chunks.map(part).reduce((sum, own) => o.add(sum, own));
