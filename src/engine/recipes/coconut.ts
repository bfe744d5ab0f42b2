import { type ConfigOf, isFull } from '../../contract/config';
import { coconutDropped } from '../../contract/methods/coconut';
import { ConfigError } from '../base/errors';
import { Rng } from '../base/rng';
import type { TokenProblem } from '../data/tokens';
import type { EmbeddingsStage, Reasoning, Stage } from '../decode/reasoning';
import { addedTokens, BEGIN, END, LATENT, TOKENS } from './shared/added-tokens';
import { longest } from './shared/batches';
import { GROUP_POSITIONS, groupFeeds, groupTargets, longestTarget } from './shared/group-inputs';
import { readQuestion, STUDENT } from './shared/passes';
import { markedQuestion, markedQuestionFeeds } from './shared/question';
import { type OwnInputs, type Recipe, studentLora, type TrainingTokens } from './shared/recipe';
import { DECODER, explainSteps } from './shared/step-decoder';
import { STEP_INPUTS } from './shared/step-inputs';
import { textAfter, textFeeds, textNext } from './shared/text-after';
import { latentMasks, pauseMask, pauseUnequally, thinkUnequally } from './shared/unequal-latents';

type Config = ConfigOf<'coconut'>;

/**
 * Coconut (arXiv:2412.06769, §3): question, start, n latents, end, the steps that are still written, answer prompt, answer.
 * A latent is the last hidden state before it, not detached; or, in two variants of its table 1, one learned token, read in one pass,
 * or nothing, without start and end. With a decoder of steps it is SIM-CoT on Coconut (arXiv:2509.20317). Its code writes `### answer`;
 * here the answer has the prompt that every method here has.
 */
export const coconut: Recipe<Config> = {
  check(config) {
    const { first, stages, inPlace } = config.curriculum;
    if (first > stages + 1)
      throw new ConfigError(
        `the first stage is ${first}; there are stages 0 to ${stages + 1}`,
        'Choose an earlier first stage, or more latent stages.',
      );
    if (config.weights.decoder > 0 && (inPlace !== 'latents' || isFull(config)))
      throw new ConfigError(
        isFull(config)
          ? 'the auxiliary decoder and the student are two adapters on the same weights, and all weights are to be trained'
          : 'the auxiliary decoder says steps from latents, and there are none',
        'Give the steps in the decoder a weight of 0, or train adapters and feed hidden states back.',
      );
  },
  adapters: (config) => ({
    ...studentLora(config),
    ...(config.weights.decoder > 0 && { [DECODER]: { kind: 'lora', ...config.lora } }),
  }),
  // All added tokens begin as copies of the token that opens a step, `<<`.
  modules({ curriculum: { inPlace } }, model, training) {
    if (inPlace === 'nothing') return [];
    const opening = training?.problems.find(({ steps }) => steps[0]?.[0] !== undefined)?.steps[0]?.[0];
    const count = inPlace === 'pauses' ? 3 : 2;
    return [addedTokens(model, count, { trained: true, initial: { copyOf: opening } })];
  },
  reasoning(config, _model, place) {
    const dropped = coconutDropped(config);
    const s = dropped[place?.stage ?? dropped.length - 1] as number;
    return {
      adapters: [STUDENT],
      stages: stagesWith(config, latentsAt(config, s, Number.POSITIVE_INFINITY)),
      // Until every step is dropped the student writes what is left of them, and the answer prompt.
      ...(s <= config.curriculum.stages && { explicit: true }),
    };
  },
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  inputs,
  startsAnew: ({ curriculum: { reset } }, { stageBegins, epochBegins }) =>
    (reset === 'stage' && stageBegins) || (reset === 'epoch' && epochBegins),
  record(tape, { config, layout, sizes = {} }) {
    const { latents = 0, text = 0 } = sizes;
    const unequal = sizes.unequal === 1;
    const { inPlace } = config.curriculum;
    const adapters = [STUDENT];
    const options = { adapters, tokens: text };
    if (inPlace === 'nothing')
      return textNext(tape, { after: readQuestion(tape, layout), ...options }, config.weights.answer);
    const question = markedQuestion(tape, layout.question, tape.embeddings(TOKENS, [BEGIN]), adapters);
    const thoughts =
      inPlace === 'pauses'
        ? pauseUnequally(tape, question, new Array(latents).fill(LATENT), unequal)
        : thinkUnequally(tape, question, latents, { kind: 'hidden' }, unequal);
    const begin = tape.embeddings(TOKENS, [END]);
    const end = { after: thoughts.at(-1) ?? question, begin, ownPositions: unequal, ...options };
    textAfter(tape, end, config.weights.answer);

    if (latents === 0) return;
    const c = config.curriculum.latentsPerStep;
    const groups = Array.from({ length: latents / c }, (_, g) =>
      thoughts.slice(g * c, (g + 1) * c).map(({ fed }) => fed),
    );
    explainSteps(tape, groups, sizes.step ?? 0, config.weights.decoder, GROUP_POSITIONS);
  },
};

/** What is fed with n latents, or pauses in their places. */
function stagesWith({ curriculum: { inPlace } }: Config, n: number): Reasoning['stages'] {
  if (inPlace === 'nothing') return [];
  const tokens = (rows: number[]): EmbeddingsStage => ({ kind: 'embeddings', parameter: TOKENS, rows });
  const thoughts: Stage =
    inPlace === 'pauses'
      ? { ...tokens(new Array(n).fill(LATENT)), thoughts: true }
      : { kind: 'latents', steps: n, feedback: { kind: 'hidden' } };
  return [tokens([BEGIN]), thoughts, tokens([END])];
}

/** n of a sample of `steps` steps, where the first s are replaced. */
function latentsAt(
  { curriculum: { latentsPerStep: c, stages: S, padLatents, inPlace } }: Config,
  s: number,
  steps: number,
) {
  if (inPlace === 'nothing') return 0;
  if (s <= S) return c * s;
  return c * (padLatents ? S : Math.min(steps, S));
}

/** The stage of a sample of `steps` steps, if one is drawn for it at this step instead of the scheduled one. */
export function drawnStage(
  { seed, curriculum: { uniform } }: Pick<Config, 'seed' | 'curriculum'>,
  steps: number,
  at: { readonly sample: number; readonly step: number },
): number | undefined {
  const rng = new Rng(seed).fork(`stage of sample ${at.sample} at step ${at.step}`);
  return rng.uniform() < uniform ? rng.integer(0, steps) : undefined;
}

function inputs(config: Config, { problems, layout, codec }: TrainingTokens, stage: number): OwnInputs {
  const { stages: S, latentsPerStep: c, uniform, padLatents, inPlace } = config.curriculum;
  const explains = config.weights.decoder > 0;
  const scheduled = coconutDropped(config)[stage] as number;
  const unequal = inPlace !== 'nothing' && (uniform > 0 || (scheduled > S && !padLatents));
  const rowOf = ({ question, steps, answer }: TokenProblem, s: number) => {
    const written = s > S ? [] : steps.slice(s).flat();
    const latents = latentsAt(config, s, steps.length);
    const row = { question, text: [...written, ...codec.prompt, ...answer], latents };
    const targets = explains ? groupTargets({ ...row, steps, groups: latents / c }, S, codec.endId) : [];
    return { ...row, targets };
  };
  /** The stages between which a sample may be trained. */
  const extremes = ({ steps }: TokenProblem): number[] =>
    uniform > 0 ? [scheduled, 0, steps.length] : [scheduled];
  const possible = problems.flatMap((problem) => extremes(problem).map((s) => rowOf(problem, s)));
  const sizes = {
    text: longest(possible, ({ text }) => text.length),
    latents: longest(possible, ({ latents }) => latents),
    unequal: unequal ? 1 : 0,
    ...(explains && { step: longestTarget(possible.map(({ targets }) => targets)) }),
  };
  return {
    sizes,
    ...(explains && config.auxiliary.per === 'token' && { means: [STEP_INPUTS.weights] }),
    feeds(chosen, { samples, step }) {
      const rows = chosen.map((problem, b) => {
        const at = { sample: samples[b] as number, step };
        return rowOf(problem, drawnStage(config, problem.steps.length, at) ?? scheduled);
      });
      const { question: columns } = layout;
      const own = unequal ? (row: { latents: number }) => columns + 1 + row.latents : undefined;
      return {
        ...markedQuestionFeeds(rows, columns, codec.padId),
        ...(unequal &&
          (inPlace === 'pauses' ? pauseMask : latentMasks)(
            rows.map(({ latents }) => latents),
            sizes.latents,
          )),
        ...textFeeds(rows, sizes.text, codec.padId, own),
        ...(explains &&
          groupFeeds(
            rows.map(({ targets }) => targets),
            { slots: sizes.latents / c, c, T: sizes.step ?? 0, padId: codec.padId },
            config.auxiliary.per,
          )),
      };
    },
  };
}
