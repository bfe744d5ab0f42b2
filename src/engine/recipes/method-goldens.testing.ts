/** Cases of scripts/goldens/methods on the tiny models of scripts/goldens/lori, with the batches that a method makes of its samples. */
import { parseRunConfig, type RunConfig } from '../../contract/config';
import { loadCheckpoint } from '../checkpoint/load';
import { layoutOf, tokenBatch } from '../data/batch';
import type { RationaleForm, TokenProblem } from '../data/tokens';
import { expectedTensors, packWeights } from '../nn/weights';
import { type Golden, readGoldenModel } from '../testing/golden.testing';
import { Tape } from '../train/tape/tape';
import type { Parity } from './parity.testing';
import type { Policy, Recipe } from './shared/recipe';
import { tokenFeeds } from './shared/token-inputs';
import { parametersOf } from './shared/trained';

/** Torch in float64 against float32 here; measured at most 2e-6. Asked for are 1e-4 of the terms and 1e-3 of gradients. */
export const TOLERANCE = 2e-5;
/** The interpreter computes in float64: only the golden file's own rounding to float32 is left. */
export const ROUNDING = 1e-6;

export type Family = 'llama' | 'qwen2';
const END = 1;
/** Of goldens that do not say theirs. */
const LORA = { rank: 2, alpha: 3 };

/** A sample of a golden's meta; its rationale, by either name, where the steps are not told apart. */
interface GoldenSample {
  readonly question: readonly number[];
  readonly steps?: readonly (readonly number[])[];
  readonly rationale?: readonly number[];
  readonly chain?: readonly number[];
  readonly prompt: readonly number[];
  readonly answer: readonly number[];
}

/** The questions that the golden's completions answer, two each; their own answers matter to nothing. */
function drawnFor(golden: Golden, family: Family): GoldenSample[] {
  const all: GoldenSample[] = golden.meta.completions[family].map(({ question }: GoldenSample) => ({
    ...{ question, prompt: [2, 3], answer: [4] },
  }));
  // A batch has each question first once.
  return [...all.filter((_, i) => i % 2 === 0), ...all.filter((_, i) => i % 2 === 1)];
}

function goldenTokens(golden: Golden, family: Family, form: RationaleForm = 'steps') {
  const all: GoldenSample[] = golden.meta.samples?.[family] ?? drawnFor(golden, family);
  const problems = all.map(({ question, steps: whole = [], rationale, chain, answer }): TokenProblem => {
    const steps = form === 'all-but-last' ? whole.slice(0, -1) : whole;
    return { question, rationale: rationale ?? chain ?? steps.flat(), steps, answer: [...answer, END] };
  });
  return { problems, codec: { prompt: all[0]?.prompt as number[], padId: 0, endId: END } };
}

export interface GoldenCase<C extends RunConfig> {
  readonly golden: Golden;
  readonly family: Family;
  /** `{family}.{name}` of the golden. */
  readonly name: string;
  readonly recipe: Recipe<C>;
  /** The run's settings. */
  readonly config: { readonly method: C['method']; readonly [setting: string]: unknown };
  readonly stage?: number;
  /** The step from 0, for what is drawn. */
  readonly step?: number;
  /** What batches are drawn from, and inputs with other values than come of it. */
  readonly policy?: Policy;
  readonly replaced?: Readonly<Record<string, readonly number[]>>;
}

export async function makeCase<C extends RunConfig>(of: GoldenCase<C>): Promise<Parity> {
  const { golden, family, name, recipe, stage = 0, step = 0 } = of;
  const { config: read, bytes } = readGoldenModel(`${family}-student`);
  const { config: model, weights } = await loadCheckpoint(
    { config: read, weights: new Map([['model.safetensors', bytes.buffer]]) },
    expectedTensors,
  );
  const config = parseRunConfig({ lora: LORA, ...of.config }) as RunConfig as C;
  const { problems, codec } = goldenTokens(golden, family, recipe.rationale?.(config));
  const layout = layoutOf(problems, codec, problems.length);
  const inputs = recipe.inputs?.(config, { problems, layout, codec }, stage);
  const place = { samples: problems.map((_, i) => i), step };
  const own = of.policy
    ? (await inputs?.draw?.(problems, place, of.policy))?.feeds
    : inputs?.feeds(problems, place);
  for (const [input, values] of Object.entries(of.replaced ?? {}))
    Object.assign(own ?? {}, { [input]: { ...own?.[input], data: Float32Array.from(values) } });
  return {
    ...{ golden, config: model, weights: packWeights(model, weights) },
    ...{ trained: `${family}.`, prefix: `${family}.${name}.` },
    feeds: { ...tokenFeeds(tokenBatch(problems, codec, layout)), ...own },
    tape(own = model) {
      const parameters = parametersOf(recipe as unknown as Recipe, config, own);
      const tape = new Tape(parameters, problems.length);
      recipe.record(tape, { config, layout, losses: {}, stage, sizes: inputs?.sizes });
      return tape;
    },
  };
}

/** Families and names of a golden file's cases. */
export const casesOf = (meta: { readonly cases: Record<Family, object> }): (readonly [Family, string])[] =>
  Object.entries(meta.cases).flatMap(([family, each]) =>
    Object.keys(each).map((name) => [family as Family, name] as const),
  );
