import { InputError, MemoryError } from '../../base/errors';
import type { DecoderConfig } from '../../nn/config';
import { stateBytes } from '../models/fits';
import type { ResolvedSubject } from '../models/subjects';

/**
 * Columns of the smallest cache. A step's time grows with its columns only beyond about 512 (30 layers of 192 values each
 * on WASM: 1024 columns double it), so that smaller ones would only mean more programs.
 */
const MIN_CAPACITY = 256;
/** Tokens that the first cache has room for; a longer text moves to caches of twice the size. */
const FIRST = 128;
/** States that exist at once: after the prompt, after the last token, and after the next one. */
const STATES = 3;
/** Maximum bytes of the states of one text. */
const MAX_TEXT_BYTES = 1.5 * 2 ** 30;
/** Maximum bytes of one layer's attention weights while the whole prompt is read. */
const MAX_ATTENTION_BYTES = 2 ** 29;

/** The sizes that a generation runs with. */
export interface Lengths {
  /** Columns that the prompt is padded to. */
  readonly question: number;
  /** Columns of the first cache, and of the largest that can be needed. */
  readonly capacity: number;
  readonly maxCapacity: number;
  /** Maximum number of new tokens: the request's, or what the model's positions leave. */
  readonly limit: number;
  /** Bytes of the states of one sample. */
  readonly sampleBytes: number;
}

/**
 * @throws InputError for a prompt that leaves no position for a token, MemoryError for a prompt or a limit
 * that does not fit even with a single sample
 */
export function lengthsOf(
  { model: { config, report } }: Pick<ResolvedSubject, 'model'>,
  prompt: number,
  { limit: wanted }: { readonly limit: number },
): Lengths {
  const { maxPositions = Number.POSITIVE_INFINITY, heads } = config;
  if (prompt >= maxPositions)
    throw new InputError(
      `the prompt has ${prompt} tokens; ${report.name} has ${maxPositions} positions (by its config.json), one of which a new token needs`,
      'Shorten the prompt, or choose another model.',
    );
  const limit = Math.min(wanted, maxPositions - prompt);
  const question = promptColumns(prompt);
  const attention = 4 * heads * question ** 2;
  if (attention > MAX_ATTENTION_BYTES)
    throw new MemoryError(
      `the prompt has ${prompt} tokens; reading it would take ${attention} bytes for the attention of one layer, and at most ${MAX_ATTENTION_BYTES} are allowed`,
      'Shorten the prompt.',
    );
  // The last token is not fed.
  const maxCapacity = cacheColumns(question + limit - 1);
  const sampleBytes = STATES * stateBytes(config, maxCapacity);
  if (sampleBytes > MAX_TEXT_BYTES) {
    const fitting = largestCapacity(config) - question + 1;
    throw new MemoryError(
      `a text of up to ${question + limit} tokens would take ${sampleBytes} bytes for keys and values; at most ${MAX_TEXT_BYTES} are allowed`,
      fitting > 0 ? `A length limit of ${fitting} tokens would fit with this prompt.` : 'Shorten the prompt.',
    );
  }
  const capacity = Math.min(maxCapacity, cacheColumns(question + FIRST));
  return { question, capacity, maxCapacity, limit, sampleBytes };
}

/** Columns of the largest cache whose states one text may have; 0 if there is none. */
function largestCapacity(config: DecoderConfig): number {
  let columns = MIN_CAPACITY;
  if (STATES * stateBytes(config, columns) > MAX_TEXT_BYTES) return 0;
  while (STATES * stateBytes(config, 2 * columns) <= MAX_TEXT_BYTES) columns *= 2;
  return columns;
}

/** The samples in the order in which they are taken, as equally as they can be, and at most so many at once. */
export function roundsOf(samples: number, atOnce: number): number[][] {
  const size = Math.ceil(samples / Math.ceil(samples / atOnce));
  return Array.from({ length: Math.ceil(samples / size) }, (_, round) =>
    Array.from({ length: Math.min(size, samples - round * size) }, (_, i) => round * size + i),
  );
}

const powerOfTwo = (least: number): number => 2 ** Math.ceil(Math.log2(least));

/** Few sizes, hence few programs: powers of two, then multiples of 256, since attention is quadratic in it. */
const promptColumns = (tokens: number): number =>
  tokens <= 512 ? Math.max(16, powerOfTwo(tokens)) : 256 * Math.ceil(tokens / 256);

const cacheColumns = (needed: number): number => Math.max(MIN_CAPACITY, powerOfTwo(needed));
