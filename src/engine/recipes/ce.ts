import type { ConfigOf } from '../../contract/config';
import type { Recipe } from './shared/recipe';

/** The same latents, trained by cross entropy alone: what distillation is measured against. */
export const ce: Recipe<ConfigOf<'ce'>> = {
  usesTeacher: false,
  latentSteps: (config) => config.latent.steps,
  stateLosses: () => [],
};
