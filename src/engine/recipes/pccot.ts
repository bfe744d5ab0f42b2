import type { ConfigOf } from '../../contract/config';
import { projectionParameters } from '../nn/modules/projection';
import { addedTokens, BEGIN, END, LATENT, TOKENS } from './shared/added-tokens';
import { readQuestion, STUDENT } from './shared/passes';
import { type Recipe, studentLora } from './shared/recipe';
import { projectedFeedback, projectionOf, recordSelfDistillation } from './shared/self-distillation';

type Config = ConfigOf<'pccot'>;

/** Only what the T runs read: with T = 0 nothing is projected. */
const projectionIn = (config: Config, model: { readonly hiddenSize: number }) =>
  config.latent.iterations > 0 ? projectionOf(config, model) : undefined;

/**
 * PCCoT: CODI's terms, with c latents that are refined side by side. Run 0 is over c latent tokens; then T times x₁ =
 * prj(h at begin of thought) and x_{j+1} = prj(h_j of the run before). End of thought, prompt and answer see the last run
 * alone. Left out of its code: training the embeddings of the padding and end-of-sequence tokens.
 */
export const pccot: Recipe<Config> = {
  rationale: ({ teacher }) => teacher.rationale,
  adapters: studentLora,
  modules(config, model) {
    const projection = projectionIn(config, model);
    return [
      addedTokens(model, 3, config.tokens),
      ...(projection ? projectionParameters(model, projection) : []),
    ];
  },
  reasoning: (config, model) => ({
    adapters: [STUDENT],
    stages: [
      { kind: 'embeddings', parameter: TOKENS, rows: [BEGIN] },
      {
        ...{ kind: 'jacobi', parameter: TOKENS, row: LATENT },
        ...{ count: config.latent.steps, iterations: config.latent.iterations },
        feedback: projectedFeedback(config, model),
      },
      { kind: 'embeddings', parameter: TOKENS, rows: [END] },
    ],
  }),
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record(tape, { config, layout }) {
    const reasoning = pccot.reasoning(config, tape.parameters.config);
    recordSelfDistillation(tape, readQuestion(tape, layout), layout, reasoning, config);
  },
};
