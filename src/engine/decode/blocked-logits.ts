import type { DecoderConfig } from '../base/decoder-config';
import { Graph, type Program, type Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import { outerModel } from '../nn/stack';
import { logitChunks } from '../nn/vocabulary';
import { vocabularyRanges } from '../nn/weights';
import type { DecodeShape } from './programs';

/**
 * Logits of the next token in blocks of W = 256 ids, for drawing from them exactly without V logits on the host: only each
 * block's maximum and mass are read, and then the few blocks that matter.
 */
export const BLOCK = 256;

/** The padding of a chunk's last block: below every logit, and finite at every temperature. */
const PADDING = -1e30;

/** The ids of one block: [first, first + count), count ≤ W. */
export interface Block {
  readonly first: number;
  readonly count: number;
}

/** The N blocks of a vocabulary, in order of id; those of a chunk of rows end with the chunk. */
export const blocksOf = (config: DecoderConfig): Block[] =>
  vocabularyRanges(config).flatMap(({ from, to }) =>
    Array.from({ length: Math.ceil((to - from) / BLOCK) }, (_, i) => {
      const first = from + i * BLOCK;
      return { first, count: Math.min(BLOCK, to - first) };
    }),
  );

/**
 * `last` [B, H] and `scale` [1, 1], 1/τ → `logits` [B, N, W]; `maxima` and `masses` [B, N]: the largest x of each block and
 * Σ exp((x − M)/τ), M the row's largest; and `sum` [B], Σ exp(x − M), not finite where a logit is NaN or +∞.
 */
export function blocksProgram({ batch: B, config }: DecodeShape): Program {
  const graph = new Graph();
  const last = graph.input('last', [B, config.hiddenSize]);
  const scale = graph.input('scale', [1, 1]);
  const logits = o.concat(
    logitChunks(outerModel(graph, config), last).map((chunk) => inBlocks(chunk)),
    1,
  );
  const maxima = o.reduceMax(logits, [-1]);
  const below = o.sub(logits, o.reduceMax(logits, [1, 2], true));
  const masses = o.reduceSum(o.exp(o.mul(below, o.reshape(scale, [1, 1, 1]))), [-1]);
  const sum = o.reduceSum(o.exp(below), [1, 2]);
  return { name: 'logits in blocks', outputs: { logits, maxima, masses, sum } };
}

/** [B, Vc] → [B, ⌈Vc/W⌉, W] */
function inBlocks(chunk: Tensor): Tensor {
  const [B, width] = chunk.shape as [number, number];
  const count = Math.ceil(width / BLOCK);
  const rest = count * BLOCK - width;
  const padding = new Float32Array(B * rest).fill(PADDING);
  const whole = rest > 0 ? o.concat([chunk, chunk.graph.constant(padding, [B, rest])], 1) : chunk;
  return o.reshape(whole, [B, count, BLOCK]);
}

/** `logits` [B, N, W] and `rows` i32 [m], each b·N + block → `chosen` [m, W]. */
export function chosenBlocksProgram({ batch: B, config }: DecodeShape, m: number): Program {
  const graph = new Graph();
  const N = blocksOf(config).length;
  const logits = o.reshape(graph.input('logits', [B, N, BLOCK]), [B * N, BLOCK]);
  return { name: 'chosen logits', outputs: { chosen: o.gather(logits, graph.input('rows', [m], 'i32')) } };
}
