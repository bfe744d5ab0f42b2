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
  return cheapest(
    sorted.map(({ reading }) => reading),
    config,
    reasoning,
  ).map(({ from, to, question, rest, batch }) => ({
    fed: sorted.slice(from, to),
    shape: { config, question, reasoning, rest, parameters, layers, batch },
  }));
}

/** The size of as many batches as `most` at once would make, with the fewest places left empty. */
export const evenly = (count: number, most: number): number => Math.ceil(count / Math.ceil(count / most));

/** Of `sorted`, those from `from` up to but without `to`, and the shape of the pass that reads them. */
interface Piece extends Pick<StatesShape, 'question' | 'rest' | 'batch'> {
  readonly from: number;
  readonly to: number;
}

/**
 * The division of the sequences, longest first, into consecutive pieces of the least cost. Of equal cost, that with fewer programs.
 * Thousands of sequences have millions of pieces: each is a few operations on numbers. Which layers are read has no part in it: other
 * batches could be other sums.
 */
function cheapest(
  sorted: readonly FedSequence[],
  config: StatesShape['config'],
  reasoning: StatesShape['reasoning'],
): Piece[] {
  const questions = sorted.map(({ question }) => question.length);
  const rests = sorted.map(({ rest }) => rest.length);
  const between = columnsOf({ question: 1, reasoning, rest: 0 }) - 1;
  /** By n, for the first n sequences: the least cost, and the last piece of that division. */
  const costs = [0];
  const last: Piece[] = [];
  for (let to = 1; to <= sorted.length; to++) {
    let [question, rest, least] = [0, 0, Number.POSITIVE_INFINITY];
    for (let from = to - 1; from >= 0; from--) {
      question = Math.max(question, questions[from] as number);
      rest = Math.max(rest, rests[from] as number);
      const columns = question + (question === 0 ? 0 : between) + rest;
      const batch = evenly(to - from, batchOf(config, columns, to - from));
      const cost = (costs[from] as number) + PROGRAM_COLUMNS + placesFor(to - from, batch) * columns;
      if (cost > least) continue;
      least = cost;
      last[to] = { from, to, question, rest, batch };
    }
    costs.push(least);
  }
  const pieces: Piece[] = [];
  for (let to = sorted.length; to > 0; to = (pieces[0] as Piece).from) pieces.unshift(last[to] as Piece);
  return pieces;
}

/** Places in all the batches that hold so many sequences. */
const placesFor = (count: number, batch: number): number => Math.ceil(count / batch) * batch;

/** Columns that are computed to read all of them, padding included. */
export const columnsRun = (buckets: readonly Bucket[]): number =>
  buckets.reduce((sum, { fed, shape }) => sum + placesFor(fed.length, shape.batch) * columnsOf(shape), 0);
