import type { ConfigOf } from '../../contract/config';
import { readQuestion } from './shared/passes';
import { type Recipe, studentLora } from './shared/recipe';
import { latentsSideBySide, recordSelfDistillation, thoughtModules } from './shared/self-distillation';

/**
 * PCCoT: CODI's terms, with c latents that are refined side by side. Run 0 is over c latent tokens; then T times x₁ =
 * prj(h at begin of thought) and x_{j+1} = prj(h_j of the run before). End of thought, prompt and answer see the last run
 * alone. Left out of its code: training the embeddings of the padding and end-of-sequence tokens.
 */
export const pccot: Recipe<ConfigOf<'pccot'>> = {
  rationale: ({ teacher }) => teacher.rationale,
  adapters: studentLora,
  // With T = 0 nothing is projected.
  modules: (config, model) => thoughtModules(config, model, 3, config.latent.iterations > 0),
  reasoning: latentsSideBySide,
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record(tape, { config, layout }) {
    const reasoning = pccot.reasoning(config, tape.parameters.config);
    recordSelfDistillation(tape, readQuestion(tape, layout), layout, reasoning, config);
  },
};
