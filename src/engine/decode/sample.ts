import { throwIfCancelled } from '../base/errors';
import { yieldToEventLoop } from '../base/yield-to-event-loop';
import type { Decoder, StepOptions } from './decoder';
import type { SamplingOptions } from './draw';
import { type NoiseKey, type SampledToken, sampleNext } from './sample-next';
import type { DecoderState } from './state';

/** A model run one token at a time, through its states: values that can be kept and continued in more than one way. */
export interface Sampler<S> {
  /** Draws the next token of every row. @param keys one for each row */
  draw(state: S, sampling: SamplingOptions, keys: readonly NoiseKey[]): Promise<SampledToken[]>;
  /** The state after one more token per row; the given one is unchanged. */
  advance(state: S, tokens: readonly number[]): Promise<S>;
}

/** A state of a sampler: `room` is the number of tokens that may still be read. */
interface SamplerState {
  readonly room: number;
  dispose(): void;
}

export interface ContinueOptions<S> {
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
  /**
   * Called with the state when the cache is full: returns a sampler that has room, with the same state as its
   * own, or nothing to end there. In the first case it takes over the full state and its sampler, to dispose
   * of them.
   */
  readonly grow?: (state: S) => Promise<{ sampler: Sampler<S>; state: S } | undefined>;
  /** Called with every token but end tokens; the row stops after it if this returns `stop`. */
  readonly onToken?: (row: number, token: SampledToken) => 'stop' | undefined;
  /** Called once for every row, when it ends. */
  readonly onEnd?: (row: number, ending: Ending) => void;
}

/** The options for a decoder. */
export interface SampleOptions extends Omit<ContinueOptions<DecoderState>, 'grow'> {
  readonly step?: StepOptions;
  readonly grow?: (state: DecoderState) => Promise<{ decoder: Decoder; state: DecoderState } | undefined>;
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

/** `continueRows` with a decoder. */
export function sample(
  decoder: Decoder,
  state: DecoderState,
  { step, grow, ...options }: SampleOptions,
): Promise<Continuation[]> {
  const samplerOf = (on: Decoder): Sampler<DecoderState> => ({
    draw: (at, sampling, keys) => sampleNext(on, at, sampling, keys),
    advance: (at, tokens) => on.advance(at, { tokens }, step),
  });
  const grown =
    grow &&
    (async (full: DecoderState) => {
      const more = await grow(full);
      return more && { sampler: samplerOf(more.decoder), state: more.state };
    });
  return continueRows(samplerOf(decoder), state, { ...options, ...(grown && { grow: grown }) });
}

/**
 * Continues every row token by token until each has ended. The given state is kept, and a continuation from it again is
 * the same. @throws NumericError if a logit is NaN or infinite, InputError for impossible settings, CancelledError
 */
export async function continueRows<S extends SamplerState>(
  sampler: Sampler<S>,
  state: S,
  options: ContinueOptions<S>,
): Promise<Continuation[]> {
  const { sampling, seed, samples, positions, endIds, limit, signal, onToken, onEnd, grow } = options;
  const rows = samples.map((_, b) => new Row((ending) => onEnd?.(b, ending)));
  let at = state;
  let on = sampler;
  try {
    for (let n = 0; n < limit && rows.some(({ ending }) => !ending); n++) {
      // Lets a cancel arrive between two tokens.
      await yieldToEventLoop();
      throwIfCancelled(signal, 'generation');
      const keys = samples.map((own, b) => ({ seed, sample: own, position: (positions[b] as number) + n }));
      const drawn = await on.draw(at, sampling, keys);
      drawn.forEach((token, b) => {
        const row = rows[b] as Row;
        if (row.ending) return;
        if (endIds.includes(token.id)) row.finish('end', token);
        else {
          row.tokens.push(token);
          if (onToken?.(b, token) === 'stop') row.finish('stop');
          else if (n + 1 === limit) row.finish('limit');
        }
      });
      if (rows.every(({ ending }) => ending)) break;
      if (at.room < 1) {
        const full = at;
        at = state;
        const grown = await grow?.(full);
        if (!grown) {
          at = full;
          for (const row of rows) if (!row.ending) row.finish('full');
          break;
        }
        ({ sampler: on, state: at } = grown);
      }
      const after = await on.advance(
        at,
        drawn.map(({ id }) => id),
      );
      if (at !== state) at.dispose();
      at = after;
    }
  } finally {
    if (at !== state) at.dispose();
  }
  return rows.map(({ tokens, ending = 'limit', end }) => ({ tokens, ending, end }));
}

/** A row of the batch during generation. */
class Row {
  readonly tokens: SampledToken[] = [];
  ending: Ending | undefined;
  end: SampledToken | undefined;

  constructor(private readonly tell: (ending: Ending) => void) {}

  finish(ending: Ending, end?: SampledToken): void {
    this.ending = ending;
    this.end = end;
    this.tell(ending);
  }
}
