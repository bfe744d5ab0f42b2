import type { LatentSession } from '../../../contract/events';
import { LATENT_DEFAULTS } from '../../../contract/methods/shared';
import { feedbackOf, type Reasoning, thoughtsIn } from '../../decode/reasoning';

/** What is fed as a thought. */
export function fedBack(reasoning: Reasoning): Pick<LatentSession, 'filter' | 'temperature'> {
  const feedback = feedbackOf(reasoning);
  if (!feedback && thoughtsIn(reasoning) > 0) return { filter: 'tokens', temperature: 1 };
  if (!feedback) return { filter: LATENT_DEFAULTS.filter, temperature: LATENT_DEFAULTS.temperature };
  return { filter: feedback.kind, temperature: feedback.kind === 'softmax' ? feedback.temperature : 1 };
}
