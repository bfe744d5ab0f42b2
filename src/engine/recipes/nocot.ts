import type { Recipe } from './shared/recipe';

/** No-CoT: the answer is learned directly after the question, without latents (supervised fine-tuning). */
export const nocot: Recipe = {
  usesTeacher: false,
  latentSteps: () => 0,
  stateLosses: () => [],
};
