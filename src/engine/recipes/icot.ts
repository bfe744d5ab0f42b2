import type { ConfigOf } from '../../contract/config';
import { icotRemoved, isBeforeRemoval } from '../../contract/methods/icot';
import { ConfigError } from '../base/errors';
import { Rng } from '../base/rng';
import type { TokenProblem } from '../data/tokens';
import type { Stage } from '../decode/reasoning';
import { longest } from './shared/batches';
import { readQuestion, STUDENT } from './shared/passes';
import { type OwnInputs, type Recipe, studentLora, type TrainingTokens } from './shared/recipe';
import { textAfter, textFeeds } from './shared/text-after';

type Config = ConfigOf<'icot'>;

/**
 * iCoT by stepwise internalization (arXiv:2405.14838, §3): question, end token, what is left of the rationale, end token,
 * answer prompt, answer. The model's own end token separates, as in its code, which trains all weights and writes `####`
 * where the prompt is here. Positions are renumbered after a removal, or kept from the token before the cut on.
 */
export const icot: Recipe<Config> = {
  check({ removal: { positions, side } }) {
    if (positions === 'kept' && side === 'right')
      throw new ConfigError(
        'positions are kept, and the last tokens of a rationale are removed first',
        'Remove the first tokens first: a student that writes what is left does not know where the cut is. Or renumber positions.',
      );
  },
  adapters: studentLora,
  reasoning(config, _model, place) {
    const removed = icotRemoved(config);
    const R = removed[place?.stage ?? removed.length - 1] as number;
    const { positions, allBeyond } = config.removal;
    const skip = positions !== 'kept' ? 0 : Number.isFinite(R) ? R : allBeyond;
    const stages = (count: number): Stage[] => [
      {
        kind: 'tokens',
        ids: new Array<number>(count).fill(place?.endId ?? 0),
        ...(skip > 0 && { skip }),
      },
    ];
    // It writes what is left of the rationale, an end token, prompt and answer; where nothing is left, the second is fed too.
    const adapters = [STUDENT];
    return Number.isFinite(R)
      ? { adapters, stages: stages(1), explicit: true, ends: 2 }
      : { adapters, stages: stages(2) };
  },
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  inputs,
  // A rationale that gets shorter is padded to its first length, so that stages share their programs.
  recordingOf: (config, stage) => (icotRemoved(config)[stage] === Number.POSITIVE_INFINITY ? 'none' : 'some'),
  // Where removal begins R has not grown yet.
  startsAnew: ({ removal: { reset, pretrainSteps } }, { stageBegins, step }) =>
    reset && stageBegins && step !== pretrainSteps,
  record(tape, { config, layout, sizes: { text = 0 } = {} }) {
    const question = readQuestion(tape, layout);
    const ownPositions = config.removal.positions === 'kept';
    const rest = { after: question, adapters: [STUDENT], tokens: text, ownPositions };
    textAfter(tape, rest, config.weights.answer);
  },
};

/** P(o) of removal smoothing falls by e^−λ from one o to the next; what is left after 98 is the probability of 99. */
const MAX_OFFSET = 99;

/** o, drawn by its distribution function at u in [0, 1): P(O ≤ o) = 1 − e^{−λ(o + 1)}. */
export const removalOffset = (u: number, rate: number): number =>
  Math.min(MAX_OFFSET, Math.floor(-Math.log(1 - u) / rate));

/** o of a sample at a step. */
export const offsetOf = (
  { seed, removal }: Pick<Config, 'seed' | 'removal'>,
  at: { readonly sample: number; readonly step: number },
): number =>
  removalOffset(
    new Rng(seed).fork(`removal of sample ${at.sample} at step ${at.step}`).uniform(),
    removal.smoothing,
  );

/** What is left of a rationale when k tokens are removed from one of its ends. */
export const remaining = (rationale: readonly number[], k: number, side: 'left' | 'right'): number[] => {
  const left = Math.max(0, rationale.length - k);
  return side === 'left' ? rationale.slice(rationale.length - left) : rationale.slice(0, left);
};

function inputs(config: Config, { problems, layout, codec }: TrainingTokens, stage: number): OwnInputs {
  const { side, positions } = config.removal;
  const R = icotRemoved(config)[stage] as number;
  const textOf = ({ rationale, answer }: TokenProblem, removed: number): number[] => [
    ...remaining(rationale, removed, side),
    codec.endId,
    ...codec.prompt,
    ...answer,
  ];
  const least = Number.isFinite(R) ? 0 : R;
  const sizes = { text: longest(problems, (problem) => textOf(problem, least).length) };
  return {
    sizes,
    feeds(chosen, { samples, step }) {
      const rows = chosen.map((problem, b) => {
        const offset = offsetOf(config, { sample: samples[b] as number, step });
        const k = R + (isBeforeRemoval(config, stage) ? 0 : offset);
        const removed = Math.min(k, problem.rationale.length);
        return { text: textOf(problem, k), before: codec.endId, removed };
      });
      // The end token before the cut is the text's first input.
      const from =
        positions === 'kept' ? (row: { removed: number }) => layout.question + row.removed : undefined;
      return textFeeds(rows, sizes.text, codec.padId, from);
    },
  };
}
