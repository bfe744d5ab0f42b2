import { MemoryError } from '../../base/errors';
import { explicitly } from '../../decode/reasoning';
import { columnsOf, type StatesShape } from '../../decode/states';
import type { ResolvedSubject } from '../models/subjects';
import type { FedSequence } from './fed-sequences';

/** Maximum number of sequences read at once. */
export const MAX_AT_ONCE = 8;
/** Maximum bytes of one batch's hidden states, or of one layer's attention: longer sequences form smaller batches. */
export const BATCH_BYTES = 2 ** 26;
/** Maximum number of tokens in a sequence: attention is computed as a whole. */
export const MAX_LENGTH = 4096;

/** Sequences of similar length, and the shape of the pass that reads them. */
export interface Bucket {
  readonly fed: readonly { readonly reading: FedSequence; readonly index: number }[];
  readonly shape: StatesShape;
}

/** How many of `count` sequences of `columns` tokens are read at once. */
export function batchOf(
  config: Pick<ResolvedSubject['model']['config'], 'layers' | 'hiddenSize' | 'heads'>,
  columns: number,
  count: number,
): number {
  const bytes = 4 * columns * Math.max(config.layers * config.hiddenSize, config.heads * columns);
  return Math.max(1, Math.min(MAX_AT_ONCE, count, Math.floor(BATCH_BYTES / bytes)));
}

/**
 * What compiling a program with its weights costs, in columns of one sequence: both take time in proportion to the parameters.
 * Measured with half a billion on WASM: 7 to 10 s, and 33 ms a column.
 */
const PROGRAM_COLUMNS = 256;

/**
 * The buckets, sequences of similar length together, that cost least to read: programs, and columns with those of padding and of
 * batches that are not full.
 */
export function bucketsOf(
  fed: readonly FedSequence[],
  { model, parameters, reasoning: own }: ResolvedSubject,
  layers?: readonly number[],
): Bucket[] {
  const { config } = model;
  const sorted = fed
    .map((reading, index) => ({ reading, index }))
    .sort((a, b) => b.reading.positions.length - a.reading.positions.length);
  const longest = sorted[0]?.reading;
  if (!longest) return [];
  if (longest.positions.length > MAX_LENGTH)
    throw new MemoryError(
      `${longest.id} has ${longest.positions.length} tokens; at most ${MAX_LENGTH} can be read at once`,
      'Shorten the text.',
    );
  // Rationales and texts are read with the adapters that would write them.
  const reasoning = longest.reasons ? own : explicitly(own);
  const shapeOf = (question: number, rest: number, count: number): StatesShape => {
    const shape = { config, question, reasoning, rest, parameters, layers };
    // Whichever layers are read: other batches could be other sums.
    return { ...shape, batch: evenly(count, batchOf(config, columnsOf(shape), count)) };
  };
  return cheapest(
    sorted.map(({ reading }) => reading),
    shapeOf,
  ).map(({ from, to, shape }) => ({ fed: sorted.slice(from, to), shape }));
}

/** The size of as many batches as `most` at once would make, with the fewest places left empty. */
export const evenly = (count: number, most: number): number => Math.ceil(count / Math.ceil(count / most));

/** Columns that are computed for a bucket of so many sequences. */
const columnsFor = (shape: StatesShape, count: number): number =>
  Math.ceil(count / shape.batch) * shape.batch * columnsOf(shape);

interface Piece {
  readonly from: number;
  readonly to: number;
  readonly shape: StatesShape;
}

/** The division of the sequences, longest first, into consecutive pieces of the least cost. */
function cheapest(
  sorted: readonly FedSequence[],
  shapeOf: (question: number, rest: number, count: number) => StatesShape,
): Piece[] {
  /** For the first n sequences: their least cost, and the last piece of that division. */
  const best: { readonly cost: number; readonly last: Piece | null }[] = [{ cost: 0, last: null }];
  for (let to = 1; to <= sorted.length; to++) {
    let [question, rest] = [0, 0];
    let found = { cost: Infinity, last: null as Piece | null };
    for (let from = to - 1; from >= 0; from--) {
      const one = sorted[from] as FedSequence;
      [question, rest] = [Math.max(question, one.question.length), Math.max(rest, one.rest.length)];
      const shape = shapeOf(question, rest, to - from);
      const before = best[from] as (typeof best)[number];
      const cost = before.cost + PROGRAM_COLUMNS + columnsFor(shape, to - from);
      // Of equal cost the one with fewer programs.
      if (cost <= found.cost) found = { cost, last: { from, to, shape } };
    }
    best.push(found);
  }
  const pieces: Piece[] = [];
  for (
    let { last } = best[sorted.length] as (typeof best)[number];
    last;
    { last } = best[last.from] as (typeof best)[number]
  )
    pieces.unshift(last);
  return pieces;
}

/** Columns that are computed to read all of them, padding included. */
export const columnsRun = (buckets: readonly Bucket[]): number =>
  buckets.reduce((sum, { fed, shape }) => sum + columnsFor(shape, fed.length), 0);
