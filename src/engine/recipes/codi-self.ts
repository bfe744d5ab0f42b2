import type { ConfigOf } from '../../contract/config';
import { projectionParameters } from '../nn/modules/projection';
import { added, addedTokens, BEGIN, END, TOKENS } from './shared/added-tokens';
import { readQuestion, STUDENT } from './shared/passes';
import { type Recipe, studentLora } from './shared/recipe';
import { distil, projectedFeedback, projectionOf, replyPath, teacherPath } from './shared/self-distillation';

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
    const question = readQuestion(tape, layout);
    const target = teacherPath(tape, question, layout, config);
    const feedback = projectedFeedback(config, tape.parameters.config);
    let thought = tape.segment(added(tape, [BEGIN], config.tokens), { after: question, adapters: [STUDENT] });
    for (let t = 0; t < config.latent.steps; t++)
      thought = tape.segment(tape.feedback(thought.last, feedback), { after: thought, adapters: [STUDENT] });
    distil(tape, replyPath(tape, thought, layout, config), layout, target, config);
  },
};
