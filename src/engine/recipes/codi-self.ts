import type { ConfigOf } from '../../contract/config';
import { readQuestion } from './shared/passes';
import { type Recipe, studentLora } from './shared/recipe';
import { latentsInTurn, recordSelfDistillation, thoughtModules } from './shared/self-distillation';

/**
 * CODI: L = α·L_student + β·L_KD + γ·L_teacher (CODI eq. 1). One adapter reasons in words (the teacher) and in latents (the
 * student): question, begin of thought, K latents z_{t+1} = prj(h_t), end of thought, prompt, answer. The question is read
 * once for both. Left out of the paper's code: dropout in the projection, which its scripts set to 0.
 */
export const codiSelf: Recipe<ConfigOf<'codi-self'>> = {
  rationale: ({ teacher }) => teacher.rationale,
  adapters: studentLora,
  modules: (config, model) => thoughtModules(config, model, 2),
  reasoning: latentsInTurn,
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record(tape, { config, layout }) {
    const reasoning = codiSelf.reasoning(config, tape.parameters.config);
    recordSelfDistillation(tape, readQuestion(tape, layout), layout, reasoning, config);
  },
};
