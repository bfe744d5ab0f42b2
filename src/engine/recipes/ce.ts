import type { ConfigOf } from '../../contract/config';
import { answerAfter, explicitAfter, readQuestion, think } from './shared/passes';
import { filterOf, type Recipe, studentLora } from './shared/recipe';

/** The same latents trained with cross entropy alone: the baseline for distillation. */
export const ce: Recipe<ConfigOf<'ce'>> = {
  adapters: studentLora,
  latentSteps: ({ latent }) => latent.steps,
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record(tape, { config, layout }) {
    const { latent, weights } = config;
    const question = readQuestion(tape, layout);
    explicitAfter(tape, question, layout, weights.explicit);
    const thoughts = think(tape, question, latent.steps, filterOf(config));
    answerAfter(tape, thoughts.at(-1) ?? question, layout, weights.answer);
  },
};
