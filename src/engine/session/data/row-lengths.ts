import type { CallOptions } from '../../../contract/calls';
import type { DataRow } from '../../../contract/data';
import { throwIfCancelled } from '../../base/errors';
import { yieldToEventLoop } from '../../base/yield-to-event-loop';
import type { DataSet } from '../../data/sets/data-set';
import { tokensOfRow } from '../../data/sets/row-tokens';
import type { Tokenizer } from '../../tokenizer/tokenizer';

/** Milliseconds of counting between two checks of the signal. */
const PACE = 50;

/** Numbers of tokens of a row's parts, as fed. */
export interface RowLengths {
  readonly question: number;
  readonly rationale: number;
  readonly answer: number;
}

/** Counts so far, by data set, tokenizer and row. */
const counted = new WeakMap<DataSet, WeakMap<Tokenizer, Map<number, RowLengths>>>();

function knownOf(set: DataSet, tokenizer: Tokenizer): Map<number, RowLengths> {
  const ofSet = counted.get(set) ?? new WeakMap<Tokenizer, Map<number, RowLengths>>();
  counted.set(set, ofSet);
  const known = ofSet.get(tokenizer) ?? new Map<number, RowLengths>();
  ofSet.set(tokenizer, known);
  return known;
}

/**
 * Counts the tokens of rows, each once for every tokenizer. @returns the lengths in the order of `indices`
 * @throws InputError if the tokenizer has no token for a text, CancelledError
 */
export async function rowLengths(
  set: DataSet,
  tokenizer: Tokenizer,
  indices: readonly number[],
  { signal, report }: CallOptions = {},
): Promise<RowLengths[]> {
  const start = performance.now();
  const known = knownOf(set, tokenizer);
  const lengths: RowLengths[] = [];
  let paused = start;
  throwIfCancelled(signal, WHAT);
  for (const i of indices) {
    const found = known.get(i) ?? count(tokenizer, set.rows[i] as DataRow);
    known.set(i, found);
    lengths.push(found);
    const now = performance.now();
    if (now - paused < PACE) continue;
    const [done, total] = [lengths.length, indices.length];
    report?.({ phase: 'tokens', done, total, unit: 'rows', elapsed: now - start });
    await yieldToEventLoop();
    throwIfCancelled(signal, WHAT);
    paused = performance.now();
  }
  return lengths;
}

const WHAT = 'counting tokens';

function count(tokenizer: Tokenizer, row: DataRow): RowLengths {
  const { question, rationale, answer } = tokensOfRow(tokenizer, row);
  return { question: question.length, rationale: rationale.length, answer: answer.length };
}
