import { InputError, MemoryError } from '../../base/errors';
import type { DecoderConfig } from '../../nn/config';
import type { ResolvedSubject } from '../models/subjects';

/**
 * Columns of the smallest cache. A step's time grows with its columns only beyond about 512 (30 layers of 192 values each
 * on WASM: 1024 columns double it), so that smaller ones would only mean more programs.
 */
const MIN_CAPACITY = 256;
/** Tokens that the first cache has room for; a longer text moves to caches of twice the size. */
const FIRST = 128;
/** Maximum bytes of keys and values; two states exist at once. */
const MAX_CACHE_BYTES = 2 ** 30;
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
}

/**
 * @throws InputError for a prompt that leaves no position for a token, MemoryError for a prompt or a limit
 * that does not fit
 */
export function lengthsOf(
  { model: { config, report } }: Pick<ResolvedSubject, 'model'>,
  prompt: number,
  { samples, limit: wanted }: { readonly samples: number; readonly limit: number },
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
  const bytes = 2 * samples * maxCapacity * bytesPerColumn(config);
  if (bytes > MAX_CACHE_BYTES)
    throw new MemoryError(
      `${samples} ${samples === 1 ? 'sample' : 'samples'} of up to ${question + limit} tokens would take ${bytes} bytes for keys and values; at most ${MAX_CACHE_BYTES} are allowed`,
      'Lower the length limit or the number of samples.',
    );
  return { question, capacity: Math.min(maxCapacity, cacheColumns(question + FIRST)), maxCapacity, limit };
}

const bytesPerColumn = ({ layers, kvHeads, headDim }: DecoderConfig): number =>
  2 * 4 * layers * kvHeads * headDim;

const powerOfTwo = (least: number): number => 2 ** Math.ceil(Math.log2(least));

/** Few sizes, hence few programs: powers of two, then multiples of 256, since attention is quadratic in it. */
const promptColumns = (tokens: number): number =>
  tokens <= 512 ? Math.max(16, powerOfTwo(tokens)) : 256 * Math.ceil(tokens / 256);

const cacheColumns = (needed: number): number => Math.max(MIN_CAPACITY, powerOfTwo(needed));
