/** Steps of methods with batches of their own, against what scripts/goldens/methods prints of them. */
import { expect } from 'vitest';
import { parseRunConfig, type RunConfig } from '../../contract/config';
import type { HostTensor } from '../base/dtype';
import { loadCheckpoint } from '../checkpoint/load';
import { layoutOf, tokenBatch } from '../data/batch';
import type { RationaleForm, TokenProblem } from '../data/tokens';
import { interpret } from '../graph/interpret';
import { ModelOnDevice } from '../model/model-on-device';
import type { DecoderConfig } from '../nn/config';
import { type LoraSpec, loraLayout } from '../nn/lora';
import { expectedTensors, namedWeights, packWeights, type Weights } from '../nn/weights';
import type { Runtime } from '../runtime/runtime';
import { type Golden, readGoldenModel } from '../testing/golden.testing';
import { compileWhole } from '../train/compile-whole';
import { compileLayerwise } from '../train/layerwise/compile';
import { ParameterSet } from '../train/parameters';
import { tapeFeeds } from '../train/tape/inputs';
import { Tape } from '../train/tape/tape';
import { traceTape } from '../train/tape/whole';
import { relativeError } from '../train/tiny.testing';
import type { Policy, Recipe } from './shared/recipe';
import { tokenFeeds } from './shared/token-inputs';

/** Torch in float64 against float32 here; measured at most 2e-6. Asked for are 1e-4 of the terms and 1e-3 of gradients. */
export const TOLERANCE = 2e-5;
/** The interpreter computes in float64: only the golden file's own rounding to float32 is left. */
export const ROUNDING = 1e-6;

export type Family = 'llama' | 'qwen2';
const END = 1;
const LORA = { rank: 2, alpha: 3 };
const LINEARS: LoraSpec['targets'] = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'];

/** A sample of a golden's meta. */
interface GoldenSample {
  readonly question: readonly number[];
  readonly steps?: readonly (readonly number[])[];
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
  const problems = all.map(({ question, steps: whole = [], chain, answer }): TokenProblem => {
    const steps = form === 'all-but-last' ? whole.slice(0, -1) : whole;
    const rationale = chain ?? steps.flat();
    return { question, rationale, steps, answer: [...answer, END] };
  });
  return { problems, codec: { prompt: all[0]?.prompt as number[], padId: 0, endId: END } };
}

export async function goldenModel(family: Family): Promise<{ config: DecoderConfig; weights: Weights }> {
  const { config: read, bytes } = readGoldenModel(`${family}-student`);
  const { config, weights } = await loadCheckpoint(
    { config: read, weights: new Map([['model.safetensors', bytes.buffer]]) },
    expectedTensors,
  );
  return { config, weights: packWeights(config, weights) };
}

export interface GoldenCase<C extends RunConfig> {
  readonly golden: Golden;
  readonly family: Family;
  /** `{family}.{name}` of the golden. */
  readonly name: string;
  readonly recipe: Recipe<C>;
  /** The run's settings; those of its adapters are the golden's. */
  readonly config: object;
  readonly stage?: number;
  /** The step from 0, for what is drawn. */
  readonly step?: number;
  /** What batches are drawn from, and inputs with other values than come of it. */
  readonly policy?: Policy;
  readonly replaced?: Readonly<Record<string, readonly number[]>>;
}

export interface MadeCase {
  readonly model: DecoderConfig;
  readonly weights: Weights;
  readonly feeds: Record<string, HostTensor>;
  tape(config?: DecoderConfig): Tape;
  values(tape: Tape): Float32Array<ArrayBuffer>[];
}

export async function makeCase<C extends RunConfig>(of: GoldenCase<C>): Promise<MadeCase> {
  const { golden, family, recipe, stage = 0, step = 0 } = of;
  const { config: model, weights } = await goldenModel(family);
  const config = parseRunConfig({ ...of.config, lora: LORA }) as C;
  const { problems, codec } = goldenTokens(golden, family, recipe.rationale?.(config));
  const samples = problems.map((_, i) => i);
  const layout = layoutOf(problems, codec, problems.length);
  const inputs = recipe.inputs?.(config, { problems, layout, codec }, stage);
  const place = { samples, step };
  const own = of.policy
    ? (await inputs?.draw?.(problems, place, of.policy))?.feeds
    : inputs?.feeds(problems, place);
  for (const [name, values] of Object.entries(of.replaced ?? {}))
    Object.assign(own ?? {}, { [name]: { ...own?.[name], data: Float32Array.from(values) } });
  return {
    ...{ model, weights },
    feeds: {
      ...tokenFeeds(tokenBatch(problems, codec, layout)),
      ...own,
    },
    tape(own = model) {
      const parameters = new ParameterSet(own, recipe.adapters(config), recipe.modules?.(config, own) ?? []);
      const tape = new Tape(parameters, problems.length);
      recipe.record(tape, { config, layout, losses: {}, stage, sizes: inputs?.sizes });
      return tape;
    },
    values: ({ parameters }) =>
      parameters.all.map(({ name, shape }) => {
        const data = new Float32Array(shape.reduce((n, d) => n * d, 1));
        for (const part of partsOf(model, parameters, name))
          data.set(golden.f32(`${family}.${part.name}`), part.offset);
        return data;
      }),
  };
}

/** A parameter's parts as torch names them, with their places. */
function partsOf(config: DecoderConfig, parameters: ParameterSet, name: string) {
  const [adapter, layer] = name.split('.') as [string, string];
  const spec = parameters.adapters[adapter];
  if (spec?.kind !== 'lora')
    return [{ name, offset: 0, length: parameters.shape(name).reduce((n: number, d: number) => n * d, 1) }];
  return loraLayout(config, { ...spec, targets: LINEARS }).parts.map(({ linear, factor, offset, shape }) => ({
    name: `${adapter}.layers.${layer}.${linear}.${factor}`,
    offset,
    length: shape[0] * shape[1],
  }));
}

/** Worst relative error of the terms and of every trained tensor's gradient, all of which the golden must have. */
function errorsOf<C extends RunConfig>(
  { golden, family, name }: GoldenCase<C>,
  tape: Tape,
  terms: ArrayLike<number>,
  gradients: readonly ArrayLike<number>[],
): number {
  const at = `${family}.${name}`;
  expect(tape.terms.toSorted()).toEqual([...golden.under(`${at}.weighted.`).keys()].sort());
  const errors = tape.terms.map((term, i) => {
    const expected = golden.scalar(`${at}.weighted.${term}`);
    return Math.abs((terms[i] as number) - expected) / Math.abs(expected);
  });
  const compared = tape.parameters.all.flatMap((parameter, i) =>
    partsOf(tape.parameters.config, tape.parameters, parameter.name).map((part) => {
      const own = Array.from(gradients[i] as ArrayLike<number>).slice(part.offset, part.offset + part.length);
      return relativeError(own, golden.tensor(`${at}.grad.${part.name}`).data);
    }),
  );
  expect(compared.length).toBe(golden.under(`${at}.grad.`).size);
  return Math.max(...errors, ...compared);
}

/** In both back ends, twice each, so that what one run leaves behind would be seen in the next. */
export async function onBackEnds<C extends RunConfig>(of: GoldenCase<C>, runtime: Runtime): Promise<number> {
  const made = await makeCase(of);
  const errors: number[] = [];
  for (const form of ['whole', 'layerwise'] as const) {
    const model = new ModelOnDevice(runtime, made.model, made.weights);
    const tape = made.tape(model.config);
    const step =
      form === 'whole'
        ? await compileWhole(model, tape, 'step')
        : await compileLayerwise(model, tape, { losses: 'traced' });
    const parameters = made
      .values(tape)
      .map((data, i) => runtime.upload({ dtype: 'f32', shape: tape.parameters.all[i]?.shape ?? [], data }));
    await step.run(made.feeds, parameters);
    const { terms, gradients } = await step.run(made.feeds, parameters);
    errors.push(
      errorsOf(
        of,
        tape,
        Array.from(terms?.data as Float32Array),
        gradients.map(({ data }) => data as Float32Array),
      ),
    );
    for (const parameter of parameters) parameter.dispose();
    await step.dispose();
    await model.release();
    expect(runtime.liveTensors).toBe(0);
  }
  if (process.env.SHOW) console.log(of.family, of.name, errors.map((x) => x.toExponential(1)).join(' '));
  return Math.max(...errors);
}

/** A tape in the float64 interpreter: its terms, then the gradient of every parameter. */
function interpretedOutputs(made: MadeCase, tape: Tape): Float64Array[] {
  const { outputs } = traceTape(tape, 'step');
  const feeds: Record<string, ArrayLike<number>> = {};
  for (const [name, { data }] of Object.entries({
    ...namedWeights(made.weights),
    ...tapeFeeds(tape, made.feeds),
  }))
    feeds[name] = data;
  made.values(tape).forEach((data, i) => {
    feeds[tape.parameters.all[i]?.name as string] = data;
  });
  return interpret(Object.values(outputs), feeds) as Float64Array[];
}

export const interpretedGradients = (made: MadeCase, tape: Tape): Float64Array[] =>
  interpretedOutputs(made, tape).slice(1);

/** The case in the float64 interpreter. */
export async function interpreted<C extends RunConfig>(of: GoldenCase<C>): Promise<number> {
  const made = await makeCase(of);
  const tape = made.tape();
  const [terms, ...gradients] = interpretedOutputs(made, tape);
  return errorsOf(of, tape, terms as Float64Array, gradients);
}
