import type { DecoderConfig } from '../base/decoder-config';
import type { GraphHostTensor } from '../base/dtype';
import { Graph, type Program, type Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import { outerModel } from '../nn/stack';
import { logitChunks } from '../nn/vocabulary';
import { vocabularyRanges } from '../nn/weights';
import type { DecodeShape } from './programs';

/**
 * Logits of the next token in blocks of W = 256 ids, for drawing from them exactly without V logits on the
 * host: only each block's maximum and mass are read, then the few blocks that matter.
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

/** Nc, the number of blocks in each chunk of the vocabulary. */
const blocksByChunk = (config: DecoderConfig): number[] =>
  vocabularyRanges(config).map(({ from, to }) => Math.ceil((to - from) / BLOCK));

/** The name of a chunk's logits in the two programs. */
const logitsOf = (c: number): string => `logits.${c}`;

/**
 * `last` [B, H] and `scale` [1, 1], 1/τ → of every chunk c of the vocabulary `logits.{c}` [B, Nc, W], so that no tensor holds
 * all V; `maxima` and `masses` [B, N]: the largest x of each block and Σ exp((x − M)/τ), M the row's largest; and `sum` [B],
 * Σ exp(x − M), not finite where a logit is NaN or +∞.
 */
export function blocksProgram({ batch: B, config, parameters }: DecodeShape): Program {
  const graph = new Graph();
  const last = graph.input('last', [B, config.hiddenSize]);
  const scale = o.reshape(graph.input('scale', [1, 1]), [1, 1, 1]);
  const chunks = logitChunks(outerModel(graph, config, parameters), last).map((chunk) => inBlocks(chunk));
  const joined = (parts: readonly Tensor[]): Tensor => o.concat(parts, 1);
  const maxima = joined(chunks.map((chunk) => o.reduceMax(chunk, [-1])));
  const largest = o.reshape(o.reduceMax(maxima, [1]), [B, 1, 1]);
  const below = chunks.map((chunk) => o.sub(chunk, largest));
  const masses = joined(below.map((x) => o.reduceSum(o.exp(o.mul(x, scale)), [-1])));
  const sum = below.map((x) => o.reduceSum(o.exp(x), [1, 2])).reduce((a, b) => o.add(a, b));
  const logits = Object.fromEntries(chunks.map((chunk, c) => [logitsOf(c), chunk]));
  return { name: 'logits in blocks', outputs: { ...logits, maxima, masses, sum } };
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

/** One block of one row. */
export interface BlockOfRow {
  readonly row: number;
  /** Its index among all N. */
  readonly block: number;
}

/**
 * The blocks to read, for `chosenBlocksProgram`: `rows.{c}` [m], each row·Nc + block within chunk c, or 0 if
 * the block is in another chunk; and `chunk` [m, 1], the index of that chunk, if there are several. Entries
 * beyond those requested read the first block.
 */
export function chosenInputs(
  config: DecoderConfig,
  m: number,
  asked: readonly BlockOfRow[],
): Record<string, GraphHostTensor> {
  const counts = blocksByChunk(config);
  const rows = counts.map(() => new Int32Array(m));
  const chunk = new Int32Array(m);
  asked.forEach(({ row, block }, j) => {
    let [c, at] = [0, block];
    while (at >= (counts[c] as number)) at -= counts[c++] as number;
    chunk[j] = c;
    (rows[c] as Int32Array)[j] = row * (counts[c] as number) + at;
  });
  const inputs = rows.map((data, c) => [`rows.${c}`, { dtype: 'i32', shape: [m], data }] as const);
  return {
    ...Object.fromEntries(inputs),
    ...(counts.length > 1 && { chunk: { dtype: 'i32', shape: [m, 1], data: chunk } }),
  };
}

/** `logits.{c}` and `chosenInputs` → `chosen` [m, W]. */
export function chosenBlocksProgram({ batch: B, config }: DecodeShape, m: number): Program {
  const graph = new Graph();
  const found = blocksByChunk(config).map((count, c) => {
    const logits = o.reshape(graph.input(logitsOf(c), [B, count, BLOCK]), [B * count, BLOCK]);
    return o.gather(logits, graph.input(`rows.${c}`, [m], 'i32'));
  });
  const chunk = found.length > 1 ? graph.input('chunk', [m, 1], 'i32') : undefined;
  const chosen = found.reduce((others, own, c) => {
    const isOwn = o.equal(chunk as Tensor, graph.constant(Int32Array.of(c), [1, 1], 'i32'));
    return o.where(isOwn, own, others);
  });
  return { name: 'chosen logits', outputs: { chosen } };
}
