import type { ConfigOf } from '../../../contract/config';
import * as o from '../../graph/ops';
import type { Segment } from '../../train/tape/entries';
import type { Tape } from '../../train/tape/tape';
import { COMPRESSION_INPUTS } from './compression-inputs';
import { keyValueDistance, scores, selection, unrotated } from './losses/compressed-key-values';

/**
 * The term `keyValues`: keys and values of the latents against as many of the first N columns of the text, which hold the rationale,
 * in every layer and head (KaVa). No gradient reaches the text's.
 */
export function matchKeyValues(
  tape: Tape,
  latents: Segment,
  text: Segment,
  { weights, keyValues, latent }: ConfigOf<'kava'>,
  N: number,
): void {
  if (weights.keyValues === 0) return;
  const { batch: B, parameters } = tape;
  const model = parameters.config;
  tape.keyValueLoss(
    'keyValues',
    latents.keyValues(latents.from, latents.end),
    text.keyValues(text.from, text.from + N),
    [
      { name: COMPRESSION_INPUTS.mask, shape: [B, N] },
      { name: COMPRESSION_INPUTS.answers, shape: [B, text.positions] },
      { name: COMPRESSION_INPUTS.weights, shape: [B, latent.steps] },
    ],
    ({ own, teacher, inputs }) => {
      const [mask, answers, each] = inputs as [typeof own.k, typeof own.k, typeof own.k];
      const k = unrotated(model, teacher.k, text.from);
      const S = scores(k, teacher.attention, { mask, answers }, keyValues.importance);
      const rows = selection(S, mask, latent.steps);
      const kept = { k: o.matmul(rows, k), v: o.matmul(rows, teacher.v) };
      const thought = { k: unrotated(model, own.k, latents.from), v: own.v };
      return o.mul(keyValueDistance(thought, kept, each, keyValues), weights.keyValues / model.layers);
    },
  );
}
