import { throwIfCancelled } from '../base/errors';
import type { Decoder, StepOptions, TokensInput } from './decoder';
import { nextTokens } from './readout';
import type { DecoderState } from './state';

/** One token, the same for every sequence. */
export const everywhere = (decoder: Decoder, id: number): TokensInput => ({
  tokens: new Array<number>(decoder.shape.batch).fill(id),
});

/**
 * Runs `work` with the state after tokens, each fed by `feed`; states made for it are disposed of afterwards.
 */
export async function afterTokens<R>(
  state: DecoderState,
  ids: readonly number[],
  feed: (from: DecoderState, id: number, index: number) => Promise<DecoderState>,
  work: (state: DecoderState) => Promise<R>,
): Promise<R> {
  let at = state;
  try {
    for (const [index, id] of ids.entries()) {
      const next = await feed(at, id, index);
      if (at !== state) at.dispose();
      at = next;
    }
    return await work(at);
  } finally {
    if (at !== state) at.dispose();
  }
}

/**
 * Runs `work` with the state after an answer's prompt, which is the given one if there is no prompt; states
 * made for it are disposed of afterwards. @param prompt token ids, the same for every sequence
 */
export function prompted<R>(
  { decoder, prompt }: { readonly decoder: Decoder; readonly prompt: readonly number[] },
  state: DecoderState,
  work: (state: DecoderState) => Promise<R>,
  step?: StepOptions,
): Promise<R> {
  const feed = (from: DecoderState, id: number) => decoder.advance(from, everywhere(decoder, id), step);
  return afterTokens(state, prompt, feed, work);
}

export interface GreedyOptions {
  readonly endIds: readonly number[];
  /** Maximum number of tokens to generate. */
  readonly limit: number;
  /** How many end tokens end a sequence; default 1. Those before the last are part of it. */
  readonly ends?: number;
  /**
   * Sequences to continue; by default all. Nothing is generated for the others, and nothing waits for them.
   */
  readonly rows?: readonly number[];
  readonly signal?: AbortSignal;
  readonly step?: StepOptions;
}

/**
 * The most probable continuation, token by token, until every sequence has ended, `limit` tokens were generated, or the
 * cache is full. The given state is kept.
 * @returns one list per sequence, without the end token
 * @throws NumericError if a logit is NaN or infinite, CancelledError
 */
export async function greedy(
  decoder: Decoder,
  state: DecoderState,
  { endIds, limit, ends = 1, rows, signal, step }: GreedyOptions,
): Promise<number[][]> {
  const out: number[][] = Array.from({ length: decoder.shape.batch }, () => []);
  const left = out.map((_, b) => (!rows || rows.includes(b) ? ends : 0));
  let at = state;
  try {
    for (let n = 0; n < limit; n++) {
      throwIfCancelled(signal, 'decoding');
      const next = Array.from((await nextTokens(decoder, at)).ids);
      next.forEach((id, b) => {
        if (endIds.includes(id)) left[b] = (left[b] as number) - 1;
        if ((left[b] as number) > 0) (out[b] as number[]).push(id);
      });
      if (left.every((count) => count <= 0) || at.room < 1 || n + 1 === limit) break;
      const after = await decoder.advance(at, { tokens: next }, step);
      if (at !== state) at.dispose();
      at = after;
    }
  } finally {
    if (at !== state) at.dispose();
  }
  return out;
}
