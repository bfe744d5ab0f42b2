import type { RunConfig } from '../../../contract/config';
import { answerSeconds } from '../../../contract/memory';
import { type Stage, stageAt } from '../../../contract/methods/curriculum';
import type { EvaluationSeconds } from '../../../contract/run-cost';
import type { TokenLayout } from '../../base/tokens';
import { positionsRun, type Reasoning, thoughtsIn } from '../../decode/reasoning';
import type { DecoderConfig } from '../../nn/config';
import { TYPICAL_PACE } from '../lens/pace';
import { svdWork } from '../lens/work';
import { sizesOf } from '../models/fits';
import type { RunData } from './run-data';
import type { RunSeconds } from './run-pace';

/** What is decoded in a run: by which model, in which batches, and how the student reasons in each stage. */
export interface Decoding {
  readonly config: DecoderConfig;
  readonly decoded: TokenLayout;
  readonly reasonings: readonly Reasoning[];
}

const longest = (reasonings: readonly Reasoning[], of: (reasoning: Reasoning) => number): number =>
  Math.max(...reasonings.map(of));

/** Seconds on one thread for one problem answered as the student reasons, the longest of its stages. */
export function problemSeconds({ config, decoded, reasonings }: Decoding): number {
  const { batch, question, prompt, answer, explicit } = decoded;
  const steps = longest(
    reasonings,
    (each) => positionsRun(each) + (each.explicit ? explicit : prompt + answer),
  );
  return answerSeconds(sizesOf(config), { batch, question, steps });
}

/** The same for one answered with a written rationale. */
export const writtenSeconds = (
  config: DecoderConfig,
  { batch, question, explicit }: Pick<TokenLayout, 'batch' | 'question' | 'explicit'>,
): number => answerSeconds(sizesOf(config), { batch, question, steps: explicit });

/** The same for one observation: the thoughts of the observed samples, in whole batches, and their singular values. */
export function lookSeconds({ config, decoded, reasonings }: Decoding, samples: number): number {
  const { batch, question } = decoded;
  const thoughts = longest(reasonings, thoughtsIn);
  const steps = longest(reasonings, positionsRun);
  const read = batch * Math.ceil(samples / batch);
  const work = samples * svdWork(thoughts * config.layers, config.hiddenSize);
  return read * answerSeconds(sizesOf(config), { batch, question, steps }) + work / TYPICAL_PACE;
}

/** How often a run measures what. */
export interface Measurements {
  /** Validations: every n steps, after the last one, and before a stage begins. */
  readonly validations: number;
  /** Observations of a student that thinks: before every n-th step, and after the last one. */
  readonly looks: number;
}

export function measurementsOf(
  { optimiser: { steps }, evaluation, observation }: RunConfig,
  stages: readonly Stage[],
  reasonings: readonly Reasoning[],
): Measurements {
  const starts = stages.map(({ from }) => from).filter((from) => from > 0 && from < steps);
  const validated = evaluation.every > 0 ? [...every(evaluation.every, steps), ...starts, steps] : [];
  const observed = observation.every > 0 ? [0, ...every(observation.every, steps), steps] : [];
  // A step's student reasons as in the stage of the step before it.
  const thinks = (step: number): boolean =>
    thoughtsIn(reasonings[stageAt(stages, Math.max(0, step - 1))] as Reasoning) > 0;
  return { validations: new Set(validated).size, looks: [...new Set(observed)].filter(thinks).length };
}

/** n, 2n, … below the last step. */
const every = (n: number, steps: number): number[] =>
  Array.from({ length: Math.ceil(steps / n) - 1 }, (_, i) => (i + 1) * n);

/** Seconds of all that a run measures, from those of one problem and of one observation. */
export function evaluationSeconds(
  each: RunSeconds,
  { validations, looks }: Measurements,
  { validation, heldOut }: Pick<RunData, 'validation' | 'heldOut'>,
  asked: { readonly written: boolean; readonly teacher: boolean },
): EvaluationSeconds {
  const parts = {
    validation: validations * validation.length * each.problem,
    heldOut: heldOut.length * each.problem,
    written: asked.written ? heldOut.length * each.written : 0,
    teacher: asked.teacher ? heldOut.length * each.byTeacher : 0,
    observation: looks * each.look,
  };
  return { ...parts, all: Object.values(parts).reduce((sum, one) => sum + one, 0) };
}
