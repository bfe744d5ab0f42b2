import type { ConfigOf } from '../../contract/config';
import { explicitAfter, readQuestion, STUDENT } from './shared/passes';
import { type Recipe, studentLora } from './shared/recipe';

/** CoT-SFT: supervised fine-tuning on rationale, prompt and answer; it answers by writing them. */
export const cotSft: Recipe<ConfigOf<'cot-sft'>> = {
  rationale: () => 'steps',
  adapters: studentLora,
  reasoning: () => ({ adapters: [STUDENT], stages: [], explicit: true }),
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record(tape, { config, layout }) {
    explicitAfter(tape, readQuestion(tape, layout), layout, config.weights.rationale);
  },
};
