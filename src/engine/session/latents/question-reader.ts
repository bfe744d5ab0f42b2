import type { Intervention, Place } from '../../../contract/latents';
import { InputError } from '../../base/errors';
import { leftPad } from '../../data/batch';
import { checkLayer, type Decoder, type StepOptions } from '../../decode/decoder';
import { questionStatesOf } from '../../decode/readout';
import type { RowReplacement } from '../../decode/sites';
import type { DecoderState } from '../../decode/state';
import { byPlace, changedBy, type SourcesFor } from './places';

/** A question's token ids, and what pads them. */
export interface QuestionTokens {
  readonly ids: readonly number[];
  readonly padId: number;
}

/**
 * Reads a question, with interventions at its tokens. Nothing is cached before it, so that it is read again from its beginning:
 * once for each place, in the order of the forward pass, and once more with all of them; tokens before a changed one come out as
 * they were, because attention is causal. All that comes after is fed as ever. Without interventions it is one pass, to the bit
 * the decoder's own.
 * @throws InputError for a token or a layer that there is not
 */
export async function readQuestion(
  decoder: Decoder,
  { ids, padId }: QuestionTokens,
  { keep, interventions, sources }: ReadOptions,
): Promise<DecoderState> {
  const { question: S } = decoder.shape;
  const { ids: padded, keyMask } = leftPad([ids], S, padId);
  const places = byPlace(decoder, interventions);
  const read = (rows: readonly RowReplacement[]) => decoder.begin(padded, keyMask, keep, rows);
  if (places.length === 0) return read([]);
  for (const { step } of interventions) checkToken(step, ids.length, 'the question');
  const columnOf = ({ step }: Intervention): number => S - ids.length + step - 1;
  const rows = places.map(({ at }) => nothingReplaced(at, decoder));
  for (const [i, { at, list }] of places.entries()) {
    const seen = await read(rows);
    try {
      const states = await questionStatesOf(seen, at);
      const { hiddenSize: H } = decoder.shape.config;
      const { keep: kept, put } = rows[i] as RowReplacement;
      for (const column of new Set(list.map(columnOf))) {
        const own = list.filter((one) => columnOf(one) === column);
        put.set(await changedBy(states.subarray(column * H, (column + 1) * H), own, sources), column * H);
        kept[column] = 0;
      }
    } finally {
      seen.dispose();
    }
  }
  return read(rows);
}

export interface ReadOptions {
  /** What is kept of the last position. */
  readonly keep: StepOptions;
  /** Of the question's tokens. */
  readonly interventions: readonly Intervention[];
  readonly sources: SourcesFor;
}

/** The unmodified states of a question's tokens at a place, [tokens, H]. */
export async function questionStates(
  decoder: Decoder,
  { ids, padId }: QuestionTokens,
  at: Place,
): Promise<Float32Array<ArrayBuffer>> {
  const { question: S, config } = decoder.shape;
  if (at.site !== 'latent') checkLayer(decoder, at.layer);
  const { ids: padded, keyMask } = leftPad([ids], S, padId);
  const state = await decoder.begin(padded, keyMask, {}, [nothingReplaced(at, decoder)]);
  try {
    const all = await questionStatesOf(state, at);
    return all.slice((S - ids.length) * config.hiddenSize);
  } finally {
    state.dispose();
  }
}

/** @throws InputError if there is no such token, counted from 1 */
export function checkToken(token: number, count: number, of: string): void {
  if (token > count)
    throw new InputError(
      `token ${token} of ${of}, which has ${count}`,
      count === 0 ? 'Change a thought instead.' : `Choose one of 1 to ${count}.`,
    );
}

const nothingReplaced = (at: Place, { shape: { question: S, config } }: Decoder): RowReplacement => ({
  at,
  keep: new Float32Array(S).fill(1),
  put: new Float32Array(S * config.hiddenSize),
});
