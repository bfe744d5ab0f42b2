import { throwIfCancelled } from '../base/errors';
import { yieldToEventLoop } from '../base/yield-to-event-loop';
import { leftPad } from '../data/batch';
import type { ProblemCodec, TokenProblem } from '../data/tokens';
import type { Decoder, StepOptions } from '../decode/decoder';
import type { DecoderState } from '../decode/state';

export interface ReadOptions {
  readonly decoder: Decoder;
  readonly codec: Pick<ProblemCodec, 'padId'>;
  readonly problems: readonly { readonly tokens: Pick<TokenProblem, 'question'> }[];
  readonly signal?: AbortSignal | undefined;
  readonly step?: StepOptions;
}

/**
 * Reads the problems' questions, as many at once as the decoder takes, and hands each batch's state over with its rows: the
 * positions of their problems. A short last batch is filled up with copies of its first problem, which are no rows.
 * Between batches messages get through. @param what is done, for `CancelledError`
 * @param use is also told when reading began, in milliseconds of `performance`
 */
export async function readQuestions(
  { decoder, codec, problems, signal, step }: ReadOptions,
  what: string,
  use: (question: DecoderState, rows: readonly number[], began: number) => Promise<void>,
): Promise<void> {
  const { batch: B, question: S } = decoder.shape;
  for (let from = 0; from < problems.length; from += B) {
    await yieldToEventLoop();
    throwIfCancelled(signal, what);
    const rows = Array.from({ length: Math.min(B, problems.length - from) }, (_, i) => from + i);
    const asked = Array.from({ length: B }, (_, i) => problems[rows[i] ?? from]?.tokens.question ?? []);
    const { ids, keyMask } = leftPad(asked, S, codec.padId);
    const began = performance.now();
    await use(await decoder.begin(ids, keyMask, step), rows, began);
  }
}
