import type { RunConfig } from '../../../contract/config';
import type { HostTensor } from '../../base/dtype';
import { ConfigError } from '../../base/errors';
import type { TokenLayout } from '../../base/tokens';
import type { TokenProblem } from '../../data/tokens';
import type { Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import type { DecoderConfig } from '../../nn/config';
import type { Segment } from '../../train/tape/entries';
import type { Tape } from '../../train/tape/tape';
import {
  adaptiveThoughts,
  DECISION_INPUTS,
  decisionLogProbabilities,
  endEmbedding,
  type LatentForm,
} from './adaptive-path';
import { floats, integers, longest } from './batches';
import { aligned } from './losses/aligned';
import { explicitEntropy, explicitText, readQuestion, STUDENT } from './passes';
import type { OwnInputs, Recording, TrainingTokens } from './recipe';
import { textAfter, textFeeds } from './text-after';
import { TOKEN_INPUTS } from './token-inputs';
import { latentMasks } from './unequal-latents';

/** The supervised step of adaptive latent reasoning (§3.2), by the same weights as its teacher's path, as in CODI. */

/** The settings that it reads. */
export interface AdaptiveSettings extends Pick<RunConfig, 'seed'> {
  readonly latents: LatentForm & {
    readonly factor: number;
    readonly bias: number;
    readonly min: number;
    readonly max: number;
  };
  readonly alignment: {
    readonly dropLast: boolean;
    readonly skipped: number;
    readonly position: 'prompt-end' | 'answer-start';
  };
  readonly weights: Readonly<Record<'answer' | 'stop' | 'teacher' | 'codi' | 'meaned', number>>;
}

const INPUTS = {
  rationale: 'explicit.rationale',
  latents: 'latents.mean',
  /** Of each row, 1 if it has a rationale and latents, whose means can be compared. */
  both: 'meaned.rows',
} as const;

/** n of a problem of k steps. */
export const latentsFor = (
  { latents: { factor, bias, min, max } }: Pick<AdaptiveSettings, 'latents'>,
  k: number,
): number => Math.min(max, Math.max(min, factor * k + bias));

/** @throws ConfigError for an impossible schedule, or blocks that the model does not have */
export function checkAdaptive({ latents, alignment }: AdaptiveSettings, { layers }: DecoderConfig): void {
  if (latents.min > latents.max)
    throw new ConfigError(
      `at least ${latents.min} latents and at most ${latents.max}`,
      'Choose a maximum that is not below the minimum.',
    );
  if (2 * alignment.skipped >= layers)
    throw new ConfigError(
      `${alignment.skipped} blocks are left out at either end of a model of ${layers}`,
      'Leave out fewer, so that a block is left.',
    );
}

export function recordSupervised(tape: Tape, recording: Recording<AdaptiveSettings>): void {
  const { config, layout, sizes: { latents: K = 0, text: R = 0 } = {} } = recording;
  const { weights, alignment } = config;
  const question = readQuestion(tape, layout);
  const distilled = weights.codi > 0 || weights.meaned > 0;
  const teacher =
    weights.teacher > 0 || distilled ? teacherText(tape, question, layout, weights.teacher) : undefined;
  const { thoughts, decided, before } = adaptiveThoughts(tape, question, K, config.latents);
  const likelihood = decisionLogProbabilities(tape, decided, config.latents);
  if (weights.stop > 0)
    tape.loss(['stop'], [likelihood], ({ graph }, [l]) => {
      const each = o.reshape(l as Tensor, [layout.batch, K + 1]);
      const weighted = o.mul(each, graph.input(DECISION_INPUTS.weights, [layout.batch, K + 1]));
      return [o.mul(o.reduceSum(weighted), -weights.stop)];
    });
  const begin = endEmbedding(tape);
  const of = { after: before, adapters: [STUDENT], tokens: R, begin, ownPositions: true };
  const text = textAfter(tape, of, weights.answer);
  if (weights.codi > 0 && teacher) {
    const shift = alignment.position === 'answer-start' ? 1 : 0;
    const target = tape.detach(tape.statesAt(teacher, TOKEN_INPUTS.explicitAnchors, shift));
    tape.loss(['codi'], [text.at(layout.prompt + shift), target], (_, [own, theirs]) => [
      o.mul(aligned(own as Tensor, theirs as Tensor, alignment.skipped), weights.codi),
    ]);
  }
  if (weights.meaned > 0 && teacher && K > 0) {
    const theirs = meanOver(tape, tape.detach(teacher.states), INPUTS.rationale, layout.explicit - 1);
    const own = meanOver(tape, tape.stack(thoughts), INPUTS.latents, K);
    tape.loss(['meaned'], [own, tape.detach(theirs)], ({ graph }, [student, target]) => {
      const both = graph.input(INPUTS.both, [layout.batch]);
      return [o.mul(aligned(student as Tensor, target as Tensor, alignment.skipped, both), weights.meaned)];
    });
  }
}

/** Rationale, prompt and answer after the question: mean cross entropy, the term `teacher`. */
function teacherText(tape: Tape, question: Segment, layout: TokenLayout, weight: number): Segment {
  const text = explicitText(tape, question, layout);
  explicitEntropy(tape, 'teacher', weight, question, text);
  return text;
}

/** Weighted sum over positions: states [B, P, L, H] by weights [B, P], fed as `name`: [B, L, H]. */
function meanOver(tape: Tape, states: ReturnType<Tape['stack']>, name: string, P: number) {
  const { layers: L, hiddenSize: H } = tape.parameters.config;
  return tape.compute(`mean by ${name}`, [tape.batch, L, H], [states], ({ graph }, [x]) => {
    const weights = o.reshape(graph.input(name, [tape.batch, P]), [tape.batch, P, 1, 1]);
    return o.reduceSum(o.mul(x as Tensor, weights), [1]);
  });
}

/** A row of the student's path. */
export interface AdaptiveRow {
  readonly latents: number;
  /** What follows END. */
  readonly text: readonly number[];
}

/**
 * Decisions [B, K + 1] of rows with n latents: n times to go on, then to stop; and how each counts.
 * @param counts whether the decision after t latents does; by default all do
 */
export const decisionFeeds = <R extends AdaptiveRow>(
  rows: readonly R[],
  K: number,
  each: (row: R) => number,
  counts: (t: number) => boolean = () => true,
): Record<string, HostTensor> => ({
  [DECISION_INPUTS.targets]: integers(rows, K + 1, ({ latents }, t) => (t < latents ? 0 : 1)),
  [DECISION_INPUTS.weights]: floats(rows, K + 1, (row, t) => (t <= row.latents && counts(t) ? each(row) : 0)),
});

export function supervisedInputs(
  config: AdaptiveSettings,
  { problems, layout, codec }: TrainingTokens,
): OwnInputs {
  const rowOf = ({ steps, answer }: TokenProblem): AdaptiveRow => ({
    latents: latentsFor(config, steps.length + (config.alignment.dropLast ? 1 : 0)),
    text: [...codec.prompt, ...answer],
  });
  const all = problems.map(rowOf);
  const sizes = {
    latents: longest(all, ({ latents }) => latents),
    text: longest(all, ({ text }) => text.length),
  };
  const { explicit: R, question: S } = layout;
  return {
    sizes,
    feeds(chosen) {
      const rows = chosen.map(rowOf);
      const decisions = rows.reduce((n, { latents }) => n + latents + 1, 0);
      const tokens = rows.reduce((n, { text }) => n + text.length, 0);
      const each = () => 1 / (decisions + tokens);
      const latents = rows.map((row) => row.latents);
      const both = chosen.map(({ rationale }, b) => rationale.length > 0 && (latents[b] as number) > 0);
      return {
        ...textFeeds(rows, sizes.text, codec.padId, (row) => S + 1 + row.latents, each),
        ...decisionFeeds(rows, sizes.latents, each),
        ...latentMasks(latents, sizes.latents),
        [INPUTS.latents]: floats(latents, sizes.latents, (n, t) => (t < n ? 1 / n : 0)),
        [INPUTS.both]: floats(both, 1, (has) => (has ? 1 : 0), [both.length]),
        [INPUTS.rationale]: floats(chosen, R - 1, ({ rationale: { length: N } }, j) => (j < N ? 1 / N : 0)),
      };
    },
  };
}
