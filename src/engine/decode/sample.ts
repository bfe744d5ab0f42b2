import { throwIfCancelled } from '../base/errors';
import type { Decoder, StepOptions } from './decoder';
import type { SamplingOptions } from './draw';
import { type SampledToken, sampleNext } from './sample-next';
import type { DecoderState } from './state';

export interface SampleOptions {
  readonly sampling: SamplingOptions;
  readonly seed: number;
  /** Numbers of the samples, one for each row. */
  readonly samples: readonly number[];
  /** Number of tokens that each row has read. */
  readonly positions: readonly number[];
  readonly endIds: readonly number[];
  /** Maximum number of tokens to generate. */
  readonly limit: number;
  readonly signal?: AbortSignal;
  readonly step?: StepOptions;
  /** Called with every token but end tokens; the row stops after it if this returns `stop`. */
  readonly onToken?: (row: number, token: SampledToken) => 'stop' | undefined;
}

/** Why a row ended: an end token, `onToken`, the limit, or no more columns in the decoder's cache. */
export type Ending = 'end' | 'stop' | 'limit' | 'full';

export interface Continuation {
  /** Without the end token. */
  readonly tokens: readonly SampledToken[];
  readonly ending: Ending;
  /** The end token, if there was one. */
  readonly end: SampledToken | undefined;
}

/**
 * Continues every row token by token until each has ended. The given state is kept, and a continuation from it again is
 * the same. @throws NumericError if a logit is NaN or infinite, InputError for impossible settings, CancelledError
 */
export async function sample(
  decoder: Decoder,
  state: DecoderState,
  { sampling, seed, samples, positions, endIds, limit, signal, step, onToken }: SampleOptions,
): Promise<Continuation[]> {
  const rows = samples.map(() => new Row());
  let at = state;
  try {
    for (let n = 0; n < limit && rows.some(({ ending }) => !ending); n++) {
      throwIfCancelled(signal, 'generation');
      const keys = samples.map((own, b) => ({ seed, sample: own, position: (positions[b] as number) + n }));
      const drawn = await sampleNext(decoder, at, sampling, keys);
      drawn.forEach((token, b) => {
        const row = rows[b] as Row;
        if (row.ending) return;
        if (endIds.includes(token.id)) row.finish('end', token);
        else {
          row.tokens.push(token);
          if (onToken?.(b, token) === 'stop') row.finish('stop');
          else if (n + 1 === limit) row.finish('limit');
          else if (at.room < 1) row.finish('full');
        }
      });
      if (rows.every(({ ending }) => ending)) break;
      const after = await decoder.advance(at, { tokens: drawn.map(({ id }) => id) }, step);
      if (at !== state) at.dispose();
      at = after;
    }
  } finally {
    if (at !== state) at.dispose();
  }
  return rows.map(({ tokens, ending = 'limit', end }) => ({ tokens, ending, end }));
}

/** A row of the batch while it is generated. */
class Row {
  readonly tokens: SampledToken[] = [];
  ending: Ending | undefined;
  end: SampledToken | undefined;

  finish(ending: Ending, end?: SampledToken): void {
    this.ending = ending;
    this.end = end;
  }
}
