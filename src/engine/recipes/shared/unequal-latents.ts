import type { HostTensor } from '../../base/dtype';
import type { Feedback } from '../../nn/feedback';
import type { Segment } from '../../train/tape/entries';
import type { Tape } from '../../train/tape/tape';
import { TOKENS } from './added-tokens';
import { keyMask } from './batches';
import { STUDENT, think } from './passes';

/** Batches in which rows have numbers of latents of their own: later ones are run for all, and hidden from rows without them. */

const maskName = (t: number): string => `latents.mask.${t}`;

/** K latents after a segment. @param unequal whether rows hide latents */
export const thinkUnequally = (
  tape: Tape,
  before: Segment,
  K: number,
  feedback: Feedback,
  unequal: boolean,
): Segment[] => think(tape, before, K, feedback, [STUDENT], unequal ? maskName : undefined);

/** The masks [B, 1, 1, 1] of K latents. @param latents each row's own number */
export const latentMasks = (latents: readonly number[], K: number): Record<string, HostTensor> =>
  Object.fromEntries(
    Array.from({ length: K }, (_, t) => [maskName(t), keyMask(latents, 1, (own) => t < own)]),
  );

const PAUSES = 'latents.mask';

/** Added tokens in their place, read in one pass: no segment where there are none. @param rows of the parameter */
export const pauseUnequally = (
  tape: Tape,
  after: Segment,
  rows: readonly number[],
  unequal: boolean,
): Segment[] => {
  if (rows.length === 0) return [];
  const options = { after, adapters: [STUDENT], ...(unequal && { mask: PAUSES }) };
  return [tape.segment(tape.embeddings(TOKENS, rows), options)];
};

/** The mask [B, 1, 1, K] of K of them. @param own each row's own number */
export const pauseMask = (own: readonly number[], K: number): Record<string, HostTensor> =>
  K === 0 ? {} : { [PAUSES]: keyMask(own, K, (n, t) => t < n) };
