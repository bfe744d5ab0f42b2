import type { ConfigOf } from '../../contract/config';
import { projectionParameters } from '../nn/modules/projection';
import type { Computed, Segment } from '../train/tape/entries';
import type { Tape } from '../train/tape/tape';
import { added, addedTokens, BEGIN, END, joined, LATENT, TOKENS } from './shared/added-tokens';
import { readQuestion, STUDENT } from './shared/passes';
import { type Recipe, studentLora } from './shared/recipe';
import { distil, projectedFeedback, projectionOf, replyPath, teacherPath } from './shared/self-distillation';

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
    const question = readQuestion(tape, layout);
    const target = teacherPath(tape, question, layout, config);
    const begun = tape.segment(added(tape, [BEGIN], config.tokens), { after: question, adapters: [STUDENT] });
    distil(tape, replyPath(tape, refined(tape, begun, config), layout, config), layout, target, config);
  },
};

/** The last of the T runs over the latents, each a branch of its own after `begun`. */
function refined(tape: Tape, begun: Segment, { latent, tokens, ...config }: Config): Segment {
  const { steps: c, iterations } = latent;
  const feedback = projectedFeedback(config, tape.parameters.config);
  const run = (x: Computed): Segment => tape.segment(x, { after: begun, adapters: [STUDENT] });
  let last = run(added(tape, new Array(c).fill(LATENT), tokens));
  if (iterations === 0) return last;
  const first = tape.feedback(begun.last, feedback);
  for (let t = 0; t < iterations; t++)
    last = run(c === 1 ? first : joined(tape, first, tape.feedback(last.finals(0, c - 1), feedback)));
  return last;
}
