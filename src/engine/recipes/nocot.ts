import { answerAfter, explicitAfter, readQuestion } from './shared/passes';
import { type Recipe, studentLora } from './shared/recipe';

/** No-CoT: the answer is learned directly after the question, without latents (supervised fine-tuning). */
export const nocot: Recipe = {
  adapters: studentLora,
  latentSteps: () => 0,
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record(tape, { config, layout }) {
    const question = readQuestion(tape, layout);
    explicitAfter(tape, question, layout, config.weights.explicit);
    answerAfter(tape, question, layout, config.weights.answer);
  },
};
