import type { ConfigOf } from '../../contract/config';
import { answerAfter, readQuestion, STUDENT } from './shared/passes';
import { directReasoning, type Recipe, studentLora } from './shared/recipe';

/** No-CoT: supervised fine-tuning on the answer directly after the question, without latents. */
export const nocot: Recipe<ConfigOf<'nocot'>> = {
  adapters: studentLora,
  reasoning: directReasoning,
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record(tape, { config, layout }) {
    const question = readQuestion(tape, layout);
    answerAfter(tape, question, layout, config.weights.answer, [STUDENT], config.answer.supervised);
  },
};
