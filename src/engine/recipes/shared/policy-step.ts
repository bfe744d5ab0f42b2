import type { Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import type { Computed } from '../../train/tape/entries';
import type { Tape } from '../../train/tape/tape';
import {
  adaptiveThoughts,
  DECISION_INPUTS,
  decisionLogProbabilities,
  endEmbedding,
  type LatentForm,
} from './adaptive-path';
import { readQuestion, STUDENT } from './passes';
import type { Recording } from './recipe';
import { TEXT_INPUTS, textSegment } from './text-after';

/** A step of GRPO on completions that were drawn: decisions to reason on, and tokens after END. */

interface Latents {
  readonly latents: LatentForm;
}

export interface PolicyWeights extends Latents {
  readonly weights: { readonly policy: number; readonly kl: number };
}

/** Inputs besides those of the path. */
export const POLICY_INPUTS = {
  referenceDecisions: 'decisions.reference',
  referenceText: 'text.reference',
  advantages: 'policy.advantages',
} as const;

/** Outputs of `recordReference`. */
export const REFERENCE = { decisions: 'decisions', text: 'text' } as const;

/**
 * −A·exp(l − sg l), whose gradient is −A∇l, and exp(r − l) − (r − l) − 1, each the mean over a completion's actions, then over
 * completions (DeepSeekMath, arXiv:2402.03300, eq. 3 and 4, with one update for each drawn batch).
 */
export function recordPolicy(tape: Tape, recording: Recording<PolicyWeights>): void {
  const { policy, kl } = recording.config.weights;
  const { decisions, text } = actionsOf(tape, recording);
  const both = [decisions, text];
  const sum = (
    graph: Tensor['graph'],
    of: (l: Tensor, weights: Tensor, i: number) => Tensor,
    values: readonly Tensor[],
  ) => {
    const each = values.map((l, i) => {
      const shape = [tape.batch, (l.shape[0] as number) / tape.batch];
      const weights = graph.input(i === 0 ? DECISION_INPUTS.weights : TEXT_INPUTS.weights, shape);
      return o.reduceSum(of(o.reshape(l, shape), weights, i));
    });
    return o.add(each[0] as Tensor, each[1] as Tensor);
  };
  if (policy > 0)
    tape.loss(['policy'], [...both, ...both.map((l) => tape.detach(l))], ({ graph }, values) => {
      const advantages = graph.input(POLICY_INPUTS.advantages, [tape.batch, 1]);
      const gain = (l: Tensor, weights: Tensor, i: number): Tensor => {
        const ratio = o.exp(o.sub(l, o.reshape(values[i + 2] as Tensor, l.shape)));
        return o.mul(o.mul(ratio, advantages), weights);
      };
      return [o.mul(sum(graph, gain, values.slice(0, 2)), -policy)];
    });
  if (kl > 0)
    tape.loss(['kl'], both, ({ graph }, values) => {
      const estimate = (l: Tensor, weights: Tensor, i: number): Tensor => {
        const name = i === 0 ? POLICY_INPUTS.referenceDecisions : POLICY_INPUTS.referenceText;
        const more = o.sub(graph.input(name, l.shape), l);
        return o.mul(o.sub(o.sub(o.exp(more), more), 1), weights);
      };
      return [o.mul(sum(graph, estimate, values), kl)];
    });
}

/** The same actions' log-probabilities as outputs, to be run with the reference's values. */
export function recordReference(tape: Tape, recording: Recording<Latents>): void {
  const { decisions, text } = actionsOf(tape, recording);
  tape.output(REFERENCE.decisions, decisions);
  tape.output(REFERENCE.text, text);
}

/** Log-probabilities of decisions [B·(K + 1), 1] and tokens [B·T, 1]. */
function actionsOf(
  tape: Tape,
  { config, layout, sizes: { latents: K = 0, text: T = 0 } = {} }: Recording<Latents>,
): Record<'decisions' | 'text', Computed> {
  const question = readQuestion(tape, layout);
  const { decided, before } = adaptiveThoughts(tape, question, K, config.latents);
  const decisions = decisionLogProbabilities(tape, decided, config.latents);
  const text = textSegment(tape, {
    ...{ after: before, adapters: [STUDENT], tokens: T, begin: endEmbedding(tape), ownPositions: true },
  });
  return { decisions, text: tape.logProbabilities(text.finals(), TEXT_INPUTS.targets) };
}
