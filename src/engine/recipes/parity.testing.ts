/** Methods' training steps against the goldens of scripts/goldens/methods: every weighted term, every parameter's gradient. */
import { expect } from 'vitest';
import { parseRunConfig, type RunConfig } from '../../contract/config';
import type { HostTensor } from '../base/dtype';
import { loadCheckpoint } from '../checkpoint/load';
import { layoutOf, tokenBatch } from '../data/batch';
import type { TokenProblem } from '../data/tokens';
import { interpret } from '../graph/interpret';
import { ModelOnDevice } from '../model/model-on-device';
import { packLength } from '../nn/attachments';
import type { DecoderConfig } from '../nn/config';
import { loraLayout } from '../nn/lora';
import { expectedTensors, namedWeights, packWeights, type Weights } from '../nn/weights';
import type { Runtime } from '../runtime/runtime';
import { type Golden, type GoldenName, readGolden, readGoldenModel } from '../testing/golden.testing';
import { compileWhole } from '../train/compile-whole';
import { compileLayerwise } from '../train/layerwise/compile';
import { hostOptimiser } from '../train/optimiser';
import { ParameterSet } from '../train/parameters';
import { tapeFeeds } from '../train/tape/inputs';
import { Tape } from '../train/tape/tape';
import { traceTape } from '../train/tape/whole';
import { relativeError } from '../train/tiny.testing';
import type { Recipe } from './shared/recipe';
import { tokenFeeds } from './shared/token-inputs';

export type Family = 'llama' | 'qwen2';

/** A sample as the goldens have it; `rationale` where the steps are not told apart. */
interface Sample {
  readonly question: readonly number[];
  readonly rationale?: readonly number[];
  readonly steps?: readonly (readonly number[])[];
  readonly prompt: readonly number[];
  readonly answer: readonly number[];
}

const [END, PAD] = [1, 0];

/** A case of a golden file: a tape, its feeds, and the values that it is run with. */
export interface Parity {
  readonly golden: Golden;
  readonly config: DecoderConfig;
  readonly weights: Weights;
  readonly feeds: Record<string, HostTensor>;
  tape(config: DecoderConfig): Tape;
  /** `{family}.{case}.` */
  readonly prefix: string;
  readonly family: Family;
}

export interface Errors {
  readonly terms: number;
  readonly gradients: number;
}

/** @param changes the run's settings, as in a configuration */
export async function parityOf(
  name: GoldenName,
  family: Family,
  one: string,
  recipe: Recipe,
  changes: { readonly method: RunConfig['method']; readonly [setting: string]: unknown },
): Promise<Parity> {
  const golden = readGolden(name);
  const model = readGoldenModel(`${family}-student`);
  const { config, weights } = await loadCheckpoint(
    { config: model.config, weights: new Map([['model.safetensors', model.bytes.buffer]]) },
    expectedTensors,
  );
  const samples: readonly Sample[] = golden.meta.samples[family];
  const problems: TokenProblem[] = samples.map(({ question, rationale, steps = [], answer }) => ({
    ...{ question, rationale: rationale ?? steps.flat(), steps, answer: [...answer, END] },
  }));
  const codec = { prompt: (samples[0] as Sample).prompt, padId: PAD, endId: END };
  const layout = layoutOf(problems, codec, problems.length);
  const run = parseRunConfig(changes) as RunConfig;
  const inputs = recipe.inputs?.(run, { problems, layout, codec }, 0);
  const { losses } = await recipe.targets(run, config, [], undefined as never);
  return {
    ...{ golden, config, weights: packWeights(config, weights), family, prefix: `${family}.${one}.` },
    feeds: {
      ...tokenFeeds(tokenBatch(problems, codec, layout)),
      ...inputs?.feeds(problems, { samples: problems.map((_, b) => b), step: 0 }),
    },
    tape(own) {
      const parameters = new ParameterSet(own, recipe.adapters(run), recipe.modules?.(run, own));
      const tape = new Tape(parameters, problems.length);
      recipe.record(tape, { config: run, layout, losses, sizes: inputs?.sizes });
      return tape;
    },
  };
}

/** A parameter's parts as torch names them, with their places. */
function partsOf({ adapters, config, ...set }: ParameterSet, name: string) {
  const at = name.lastIndexOf('.');
  const [adapter, layer] = [name.slice(0, at), name.slice(at + 1)];
  const spec = adapters[adapter];
  if (!spec || !/^\d+$/.test(layer)) {
    const shape = set.all.find((parameter) => parameter.name === name)?.shape ?? [];
    return [{ name, offset: 0, length: shape.reduce((n, d) => n * d, 1) }];
  }
  const of = `${adapter}.layers.${layer}`;
  if (spec.kind === 'lora')
    return loraLayout(config, spec).parts.map(({ linear, factor, offset, shape }) => ({
      ...{ name: `${of}.${linear}.${factor}`, offset, length: shape[0] * shape[1] },
    }));
  const names = spec.sites.flatMap((site) => ['w1', 'w2'].map((factor) => `${site[0]}.${factor}`));
  const length = packLength(config, spec) / names.length;
  return names.map((part, i) => ({ name: `${of}.${part}`, offset: i * length, length }));
}

/** Values of every parameter below a prefix of the golden file. */
function valuesOf({ golden }: Parity, { parameters }: Tape, prefix: string): Float32Array<ArrayBuffer>[] {
  return parameters.all.map(({ name, shape }) => {
    const data = new Float32Array(shape.reduce((n, d) => n * d, 1));
    for (const part of partsOf(parameters, name)) data.set(golden.f32(`${prefix}${part.name}`), part.offset);
    return data;
  });
}

/** Largest relative error of a term, and of a parameter's gradient; each of torch's names must be compared. */
function errorsOf(
  { golden, prefix }: Parity,
  { parameters, terms: names }: Tape,
  terms: ArrayLike<number>,
  gradients: readonly ArrayLike<number>[],
): Errors {
  const known = golden.under(`${prefix}weighted.`);
  if (known.size !== names.length) throw new Error(`terms ${names}; torch has ${[...known.keys()]}`);
  const ofTerms = names.map((name, i) => {
    const expected = golden.scalar(`${prefix}weighted.${name}`);
    return Math.abs((terms[i] as number) - expected) / Math.abs(expected);
  });
  const compared = parameters.all.flatMap(({ name }, i) =>
    partsOf(parameters, name).map(({ name: part, offset, length }) => {
      const own = Array.from(gradients[i] as ArrayLike<number>).slice(offset, offset + length);
      return relativeError(own, golden.tensor(`${prefix}grad.${part}`).data);
    }),
  );
  const expected = golden.under(`${prefix}grad.`).size;
  if (compared.length !== expected) throw new Error(`${compared.length} gradients; torch has ${expected}`);
  return { terms: Math.max(...ofTerms), gradients: Math.max(...compared) };
}

/** In the float64 interpreter: the terms, then every parameter's gradient. */
function interpretedStep(parity: Parity, tape: Tape): readonly Float64Array[] {
  const { outputs } = traceTape(tape, 'step');
  const feeds: Record<string, ArrayLike<number>> = {};
  for (const [name, { data }] of Object.entries({
    ...namedWeights(parity.weights),
    ...tapeFeeds(tape, parity.feeds),
  }))
    feeds[name] = data;
  valuesOf(parity, tape, `${parity.family}.`).forEach((data, i) => {
    feeds[tape.parameters.all[i]?.name as string] = data;
  });
  return interpret(Object.values(outputs), feeds);
}

export function interpreted(parity: Parity): Errors {
  const tape = parity.tape(parity.config);
  const [terms, ...gradients] = interpretedStep(parity, tape);
  return errorsOf(parity, tape, terms as Float64Array, gradients);
}

/** Norm of each parameter's gradient, by name. */
export function gradientNorms(parity: Parity): Record<string, number> {
  const tape = parity.tape(parity.config);
  const [, ...gradients] = interpretedStep(parity, tape);
  return Object.fromEntries(
    tape.parameters.all.map(({ name }, i) => [name, Math.hypot(...(gradients[i] as Float64Array))]),
  );
}

async function compiled<T>(
  { config, weights, ...parity }: Parity,
  runtime: Runtime,
  form: 'whole' | 'layerwise',
  use: (tape: Tape, step: Awaited<ReturnType<typeof compileWhole>>) => Promise<T>,
): Promise<T> {
  const model = new ModelOnDevice(runtime, config, weights);
  const tape = parity.tape(model.config);
  const step =
    form === 'whole'
      ? await compileWhole(model, tape, 'step')
      : await compileLayerwise(model, tape, { losses: 'traced' });
  try {
    return await use(tape, step);
  } finally {
    await step.dispose();
    await model.release();
  }
}

const upload = (runtime: Runtime, { parameters }: Tape, values: readonly Float32Array<ArrayBuffer>[]) =>
  values.map((data, i) =>
    runtime.upload({ dtype: 'f32', shape: parameters.all[i]?.shape ?? [data.length], data }),
  );

/** On the runtime, by one of the two back ends; run twice, so that what a run leaves behind is seen in the next. */
export const onRuntime = (parity: Parity, runtime: Runtime, form: 'whole' | 'layerwise'): Promise<Errors> =>
  compiled(parity, runtime, form, async (tape, step) => {
    const values = upload(runtime, tape, valuesOf(parity, tape, `${parity.family}.`));
    await step.run(parity.feeds, values);
    const { terms, gradients } = await step.run(parity.feeds, values);
    const errors = errorsOf(
      parity,
      tape,
      Array.from(terms?.data as Float32Array),
      gradients.map(({ data }) => data as Float32Array),
    );
    for (const value of values) value.dispose();
    return errors;
  });

/** What three steps of clipping and AdamW at a constant rate move each parameter by: largest relative error. */
export const afterThreeSteps = (
  parity: Parity,
  runtime: Runtime,
  form: 'whole' | 'layerwise',
): Promise<number> =>
  compiled(parity, runtime, form, async (tape, step) => {
    const { golden, family, prefix } = parity;
    const start = valuesOf(parity, tape, `${family}.`);
    const values = upload(runtime, tape, start);
    const decayed = tape.parameters.all.map((parameter) => ({ ...parameter, decay: true }));
    const optimiser = hostOptimiser(values, golden.meta.optimiser, decayed);
    for (let t = 0; t < 3; t++) {
      const { gradients, terms } = await step.run(parity.feeds, values);
      await optimiser.update(gradients, golden.meta.optimiser.learningRate, terms as never);
    }
    const end = valuesOf(parity, tape, `${prefix}after3.`);
    const errors = end.map((expected, i) => {
      const moved = (to: ArrayLike<number>) =>
        Array.from(start[i] as Float32Array, (from, j) => (to[j] as number) - from);
      return relativeError(moved(values[i]?.data as Float32Array), moved(expected));
    });
    optimiser.dispose();
    for (const value of values) value.dispose();
    return Math.max(...errors);
  });

/** Families and names of a golden file's cases. */
export const casesOf = (meta: { readonly cases: Record<Family, object> }): (readonly [Family, string])[] =>
  Object.entries(meta.cases).flatMap(([family, each]) =>
    Object.keys(each).map((name) => [family as Family, name] as const),
  );

/** Of golden values, weights of means and constants to float32, 6e-8 each; measured at most 1.2e-6. */
const ROUNDING = 3e-6;
/** Torch in float64 against float32: asked for are 1e-4 of a term and 1e-3 of a gradient, measured 2e-7 and, where softmax mixtures feed one another, 1.4e-4. */
const [TERMS, GRADIENTS] = [1e-5, 5e-4];

/**
 * Agrees with torch: as one graph in the float64 interpreter, and as small programs in float32; a family's first case as one program in
 * float32 too, which is the same graph.
 */
export async function expectParity(parity: Parity, runtime: Runtime): Promise<void> {
  const exact = interpreted(parity);
  expect(exact.terms, 'interpreter').toBeLessThan(ROUNDING);
  expect(exact.gradients, 'interpreter').toBeLessThan(ROUNDING);
  const [first] = Object.keys(parity.golden.meta.cases[parity.family]);
  const whole = parity.prefix === `${parity.family}.${first}.`;
  for (const form of whole ? (['whole', 'layerwise'] as const) : (['layerwise'] as const)) {
    const errors = await onRuntime(parity, runtime, form);
    if (process.env.SHOW) console.log(parity.prefix, form, errors);
    expect(errors.terms, form).toBeLessThan(TERMS);
    expect(errors.gradients, form).toBeLessThan(GRADIENTS);
  }
  expect(runtime.liveTensors).toBe(0);
}
