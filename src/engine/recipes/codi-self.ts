import type { ConfigOf } from '../../contract/config';
import { projectionParameters } from '../nn/modules/projection';
import { addedTokens, BEGIN, END, TOKENS } from './shared/added-tokens';
import { readQuestion, STUDENT } from './shared/passes';
import { type Recipe, studentLora } from './shared/recipe';
import { projectedFeedback, projectionOf, recordSelfDistillation } from './shared/self-distillation';

/**
 * CODI: L = α·L_student + β·L_KD + γ·L_teacher (CODI eq. 1). One adapter reasons in words (the teacher) and in latents (the
 * student): question, begin of thought, K latents z_{t+1} = prj(h_t), end of thought, prompt, answer. The question is read
 * once for both. Left out of the paper's code: dropout in the projection, which its scripts set to 0.
 */
export const codiSelf: Recipe<ConfigOf<'codi-self'>> = {
  rationale: ({ teacher }) => teacher.rationale,
  adapters: studentLora,
  modules(config, model) {
    const projection = projectionOf(config, model);
    return [
      addedTokens(model, 2, config.tokens),
      ...(projection ? projectionParameters(model, projection) : []),
    ];
  },
  reasoning: (config, model) => ({
    adapters: [STUDENT],
    stages: [
      { kind: 'embeddings', parameter: TOKENS, rows: [BEGIN] },
      { kind: 'latents', steps: config.latent.steps, feedback: projectedFeedback(config, model) },
      { kind: 'embeddings', parameter: TOKENS, rows: [END] },
    ],
  }),
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record(tape, { config, layout }) {
    const reasoning = codiSelf.reasoning(config, tape.parameters.config);
    recordSelfDistillation(tape, readQuestion(tape, layout), layout, reasoning, config);
  },
};
