import type { Computed } from '../../train/tape/entries';
import type { Tape } from '../../train/tape/tape';
import { joined } from './added-tokens';
import { STEP_INPUTS } from './step-inputs';

/** SIM-CoT's auxiliary decoder: another adapter on the base, which says a step from the vectors of its thoughts. */

/** The decoder's adapter. */
export const DECODER = 'decoder';

/**
 * The decoder reads each slot's vectors and step, T tokens, the last vector predicting the first one; the weighted cross entropies of
 * all slots are the term `explain`.
 * @param slots vectors [B, H] of each slot, as many in all  @param positions i32 [B, …] of what it reads, fed as this; by default from 0
 */
export function explainSteps(
  tape: Tape,
  slots: readonly (readonly Computed[])[],
  T: number,
  weight: number,
  positions?: string,
): void {
  if (weight === 0) return;
  const [first, ...others] = slots.map((vectors, slot) => {
    const tokens = tape.tokens(STEP_INPUTS.ids(slot), T - 1);
    const x = [...vectors, tokens].reduce((before, next) => joined(tape, before, next));
    return tape
      .segment(x, { adapters: [DECODER], ...(positions !== undefined && { positions }) })
      .finals(vectors.length - 1);
  });
  if (first) tape.crossEntropy('explain', weight, tape.rows(first, ...others), STEP_INPUTS);
}
