import type { ConfigOf } from '../../../contract/config';
import type { TokenLayout } from '../../base/tokens';
import type { Reasoning, Stage } from '../../decode/reasoning';
import type { Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import type { DecoderConfig } from '../../nn/config';
import type { Feedback } from '../../nn/feedback';
import { type ProjectionSpec, projectionParameters } from '../../nn/modules/projection';
import type { ModuleParameter } from '../../nn/parameters';
import type { Computed, Segment } from '../../train/tape/entries';
import type { Tape } from '../../train/tape/tape';
import { addedTokens, BEGIN, END, joined, LATENT, TOKENS } from './added-tokens';
import { stateDistance } from './losses/distance';
import { explicitEntropy, explicitText, reasonAfter, STUDENT, SUPERVISED } from './passes';
import { TOKEN_INPUTS } from './token-inputs';

/** What methods have in common whose student learns from its own explicit reasoning, in the same step (CODI §3). */
type Config = ConfigOf<'codi-self' | 'pccot' | 'sim-cot' | 'kava'>;

/** CODI's projection, with the width of the settings; undefined where it is off. */
const projectionOf = (
  { projection }: Pick<Config, 'projection'>,
  { hiddenSize }: Pick<DecoderConfig, 'hiddenSize'>,
): ProjectionSpec | undefined =>
  projection.use
    ? { kind: 'projection', name: 'projection', width: projection.width || hiddenSize, norm: true }
    : undefined;

export const projectedFeedback = (config: Pick<Config, 'projection'>, model: DecoderConfig): Feedback => {
  const module = projectionOf(config, model);
  return module ? { kind: 'module', module } : { kind: 'hidden' };
};

/**
 * The explicit path's text: its mean cross entropy is the term `teacher`.
 * @returns its hidden states at the aligned token [B, L, H], through which no gradient flows; undefined where no loss reads them
 */
function teacherPath(
  tape: Tape,
  question: Segment,
  layout: TokenLayout,
  { weights, teacher, distillation }: Config,
  text: Segment,
): Computed | undefined {
  explicitEntropy(tape, 'teacher', weights.teacher, question, text);
  if (weights.distillation === 0) return undefined;
  const read = teacher.targetPass === 'own' ? explicitText(tape, question, layout) : text;
  const shift = distillation.position === 'answer-start' ? 1 : 0;
  return tape.detach(tape.statesAt(read, TOKEN_INPUTS.explicitAnchors, shift));
}

/** The end-of-thought token, prompt and answer; their mean cross entropy is the term `answer`. */
function replyPath(
  tape: Tape,
  before: Segment,
  { prompt: P, answer: A }: TokenLayout,
  config: Config,
): Segment {
  const x = joined(tape, tape.embeddings(TOKENS, [END]), tape.tokens(TOKEN_INPUTS.answerIds, P + A - 1));
  const reply = tape.segment(x, { after: before, adapters: [STUDENT] });
  const { supervised } = config.answer;
  // The first position is the end-of-thought token, which predicts the prompt's first.
  const states = reply.finals(supervised === 'prompt' ? 0 : P);
  tape.crossEntropy('answer', config.weights.answer, states, SUPERVISED[supervised]);
  return reply;
}

/** The distance between the reply's states at the aligned token and the explicit path's is the term `distillation`. */
function distil(
  tape: Tape,
  reply: Segment,
  { prompt: P }: TokenLayout,
  target: Computed | undefined,
  { weights, distillation }: Config,
): void {
  if (!target) return;
  const states = reply.at(distillation.position === 'answer-start' ? P + 1 : P);
  tape.loss(['distillation'], [states, target], (_, [own, other]) => [
    o.mul(stateDistance(own as Tensor, other as Tensor, distillation), weights.distillation),
  ]);
}

/**
 * Both paths after the question: the explicit one, and the reasoning with prompt and answer. Its last stage is the
 * end-of-thought token alone, which is read in one pass with the prompt.
 * @returns the explicit path's text, which is run only where something reads it, and the thoughts
 */
export function recordSelfDistillation(
  tape: Tape,
  question: Segment,
  layout: TokenLayout,
  reasoning: Reasoning,
  config: Config,
): { readonly text: Segment; readonly thoughts: readonly Segment[] } {
  const text = explicitText(tape, question, layout);
  const target = teacherPath(tape, question, layout, config, text);
  const { end, thoughts } = reasonAfter(tape, question, {
    ...reasoning,
    stages: reasoning.stages.slice(0, -1),
  });
  distil(tape, replyPath(tape, end, layout, config), layout, target, config);
  return { text, thoughts };
}

/** Embeddings of `count` added tokens, and the projection where it is used. @param projects whether anything is projected at all */
export function thoughtModules(
  config: Pick<Config, 'projection' | 'tokens'>,
  model: DecoderConfig,
  count: number,
  projects = true,
): ModuleParameter[] {
  const projection = projects ? projectionOf(config, model) : undefined;
  return [
    addedTokens(model, count, config.tokens),
    ...(projection ? projectionParameters(model, projection) : []),
  ];
}

/** K latents, one after another. */
export const latentsInTurn = (config: ConfigOf<'codi-self' | 'sim-cot'>, model: DecoderConfig): Reasoning =>
  thoughtsBetween({
    ...{ kind: 'latents', steps: config.latent.steps },
    feedback: projectedFeedback(config, model),
  });

/** Latents that are refined side by side, T times. */
export const latentsSideBySide = (config: ConfigOf<'pccot' | 'kava'>, model: DecoderConfig): Reasoning =>
  thoughtsBetween({
    ...{ kind: 'jacobi', parameter: TOKENS, row: LATENT },
    ...{ count: config.latent.steps, iterations: config.latent.iterations },
    feedback: projectedFeedback(config, model),
  });

/** Thoughts between the begin- and the end-of-thought token. */
const thoughtsBetween = (thoughts: Stage): Reasoning => ({
  adapters: [STUDENT],
  stages: [
    { kind: 'embeddings', parameter: TOKENS, rows: [BEGIN] },
    thoughts,
    { kind: 'embeddings', parameter: TOKENS, rows: [END] },
  ],
});
