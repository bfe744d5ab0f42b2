import { type EvaluationRequest, OWN_MODE } from '../../../contract/evaluation';
import { MAX_LATENT_STEPS } from '../../../contract/methods/shared';
import { InputError } from '../../base/errors';
import { explicitly, mostThoughts, type Reasoning, thoughtsIn, withThoughts } from '../../decode/reasoning';

/**
 * What a subject is fed between question and answer in a mode.
 * @throws InputError if it is to answer after thoughts but has none, or cannot have that many
 */
export function reasoningIn(
  { mode, thoughts }: Pick<EvaluationRequest, 'mode' | 'thoughts'>,
  reasoning: Reasoning,
  label: string,
): Reasoning {
  if (mode !== 'latent' && thoughts !== undefined)
    throw new InputError(
      `${thoughts} thoughts requested from a subject that is to answer without any`,
      'Leave out the number of thoughts, or let it answer after its thoughts.',
    );
  if (mode === OWN_MODE) return reasoning;
  if (mode === 'explicit') return explicitly(reasoning);
  if (mode === 'direct') return { adapters: reasoning.adapters, stages: [] };
  if (thoughtsIn(reasoning) === 0)
    throw new InputError(
      `the ${label} has no thoughts: it answers directly`,
      'Let it answer at once or after a written rationale, or choose another subject.',
    );
  return thoughts === undefined ? reasoning : withThoughts(reasoning, thoughts);
}

/** The numbers of thoughts that a sweep tries: those of 0 … 2K that the subject can have. */
export function countsOf(reasoning: Reasoning): number[] {
  const K = thoughtsIn(reasoning);
  const most = mostThoughts(reasoning);
  if (K === 0) return [];
  if (most === null) return [K];
  return Array.from({ length: Math.min(2 * K, most, MAX_LATENT_STEPS) + 1 }, (_, k) => k);
}
