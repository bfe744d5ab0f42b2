import type { ConfigOf } from '../../contract/config';
import { adaptiveModules, adaptiveReasoning } from './shared/adaptive-path';
import { checkAdaptive, recordSupervised, supervisedInputs } from './shared/adaptive-sft';
import { type Recipe, studentLora } from './shared/recipe';

/** Adaptive latent reasoning, supervised (§3.1, 3.2): teacher and student are one model, see shared/adaptive-sft. */
export const adaptive: Recipe<ConfigOf<'adaptive'>> = {
  check: checkAdaptive,
  adapters: studentLora,
  modules: ({ latents }, model) => adaptiveModules(latents, model),
  rationale: ({ alignment: { dropLast } }) => (dropLast ? 'all-but-last' : 'steps'),
  inputs: supervisedInputs,
  reasoning: ({ latents }) => adaptiveReasoning(latents),
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record: recordSupervised,
};
