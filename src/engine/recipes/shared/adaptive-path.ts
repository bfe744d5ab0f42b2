import type { Reasoning } from '../../decode/reasoning';
import type { Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import type { DecoderConfig } from '../../nn/config';
import type { Feedback } from '../../nn/feedback';
import { moduleParameters } from '../../nn/modules/modules';
import { type StopHeadSpec, stopHeadParameters, stopLogits } from '../../nn/modules/stop-head';
import type { ModuleParameter } from '../../nn/parameters';
import type { Computed, Finals, Segment } from '../../train/tape/entries';
import type { Tape } from '../../train/tape/tape';
import { addedTokens, BEGIN, END, TOKENS } from './added-tokens';
import { STUDENT } from './passes';
import { thinkUnequally } from './unequal-latents';

/** The student's path of adaptive latent reasoning: START, latents by the recurrent filter, END, text; decisions on the way. */

/** How a latent is made of the state before it, the temperature of the stop head, and whether it learns alone. */
export interface LatentForm {
  readonly filter: 'mlp' | 'linear' | 'linear-norm' | 'softmax' | 'none';
  readonly stopTemperature: number;
  readonly detachStop: boolean;
}

/** What makes the next latent; what is trained of it is `adaptiveModules`'. */
function feedbackOf({ filter }: Pick<LatentForm, 'filter'>): Feedback {
  if (filter === 'none') return { kind: 'hidden' };
  if (filter === 'softmax') return { kind: 'softmax', temperature: 1 };
  return {
    kind: 'module',
    module: { kind: 'recurrentFilter', name: 'filter', ...(filter !== 'mlp' && { form: filter }) },
  };
}

const STOP_HEAD: StopHeadSpec = { kind: 'stopHead', name: 'stop' };

/** A temperature of 1 is not written, so that students without one are what they were. */
const stopHead = ({ stopTemperature }: Pick<LatentForm, 'stopTemperature'>): StopHeadSpec =>
  stopTemperature === 1 ? STOP_HEAD : { ...STOP_HEAD, temperature: stopTemperature };

export function adaptiveModules(form: Pick<LatentForm, 'filter'>, model: DecoderConfig): ModuleParameter[] {
  const feedback = feedbackOf(form);
  return [
    addedTokens(model, 2, { trained: true, initial: 'mean' }),
    ...(feedback.kind === 'module' ? moduleParameters(model, feedback.module) : []),
    ...stopHeadParameters(model, STOP_HEAD),
  ];
}

/** START, latents until the stop head says so, END. */
export const adaptiveReasoning = ({
  min,
  max,
  ...form
}: Pick<LatentForm, 'filter' | 'stopTemperature'> & {
  readonly min: number;
  readonly max: number;
}): Reasoning => ({
  adapters: [STUDENT],
  stages: [
    { kind: 'embeddings', parameter: TOKENS, rows: [BEGIN] },
    { kind: 'latents', steps: max, feedback: feedbackOf(form), stop: { head: stopHead(form), min } },
    { kind: 'embeddings', parameter: TOKENS, rows: [END] },
  ],
});

export interface AdaptivePath {
  readonly thoughts: readonly Segment[];
  /** Final hidden states at START and at every latent, [B·(K + 1), H]: those that a decision follows. */
  readonly decided: Finals;
  /** The last segment before END. */
  readonly before: Segment;
}

/** @param question is continued  @param K latents of the row that has most */
export function adaptiveThoughts(tape: Tape, question: Segment, K: number, form: LatentForm): AdaptivePath {
  const { adapters } = question;
  const start = tape.segment(tape.embeddings(TOKENS, [BEGIN]), { after: question, adapters });
  const thoughts = thinkUnequally(tape, start, K, feedbackOf(form), true);
  const decided = tape.rows(start.last, ...thoughts.map(({ last }) => last));
  return {
    thoughts,
    decided: form.detachStop ? tape.detach(decided) : decided,
    before: thoughts.at(-1) ?? start,
  };
}

/** The embedding of END, [B, H]. */
export const endEmbedding = (tape: Tape): Computed => tape.embeddings(TOKENS, [END]);

export const DECISION_INPUTS = {
  /** i32 [B, K + 1]: 0 to go on, 1 to stop. */
  targets: 'decisions.targets',
  /** f32 [B, K + 1]: how each counts, 0 after a row has stopped. */
  weights: 'decisions.weights',
} as const;

/** Log-probabilities [B·(K + 1), 1] of the decisions after final states [B·(K + 1), H]. */
export const decisionLogProbabilities = (
  tape: Tape,
  states: Finals,
  form: Pick<LatentForm, 'stopTemperature'>,
): Computed => {
  const rows = states.shape[0] as number;
  return tape.compute(
    'decisions',
    [rows, 1],
    [states],
    ({ graph, parameter }, [h]) => {
      const logits = stopLogits(stopHead(form), h as Tensor, parameter);
      const fed = graph.input(DECISION_INPUTS.targets, [tape.batch, rows / tape.batch], 'i32');
      const chosen = o.reshape(fed, [rows, 1]);
      const classes = graph.constant(Int32Array.of(0, 1), [1, 2], 'i32');
      const picked = o.reduceSum(o.where(o.equal(chosen, classes), logits, 0), [1], true);
      return o.sub(picked, o.logSumExp(logits));
    },
    stopHeadParameters({ hiddenSize: 1 }, STOP_HEAD).map(({ name: own }) => own),
  );
};
