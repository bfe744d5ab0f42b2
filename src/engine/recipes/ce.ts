import type { ConfigOf } from '../../contract/config';
import { answerAfter, explicitAfter, readQuestion, think } from './shared/passes';
import { feedbackBy, latentReasoning, type Recipe, studentLora } from './shared/recipe';

/** The same latents trained with cross entropy alone: the baseline for distillation. */
export const ce: Recipe<ConfigOf<'ce'>> = {
  adapters: studentLora,
  reasoning: latentReasoning,
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record(tape, { config, layout }) {
    const { latent, weights } = config;
    const question = readQuestion(tape, layout);
    explicitAfter(tape, question, layout, weights.explicit);
    const thoughts = think(tape, question, latent.steps, feedbackBy(latent));
    answerAfter(tape, thoughts.at(-1) ?? question, layout, weights.answer);
  },
};
