/** Methods' training steps against the goldens of scripts/goldens/methods: every weighted term, every parameter's gradient. */
import { expect } from 'vitest';
import type { HostTensor } from '../base/dtype';
import { sizeOf } from '../base/shape';
import { ModelOnDevice, type ModelOptions } from '../model/model-on-device';
import { packLength } from '../nn/attachments';
import type { DecoderConfig } from '../nn/config';
import { loraLayout } from '../nn/lora';
import type { ParameterSet } from '../nn/parameter-set';
import { BASE } from '../nn/parameters';
import { packedWeights } from '../nn/weight-parts';
import { expectedTensors, namedWeights, OUTER_PREFIX, packWeights, type Weights } from '../nn/weights';
import type { Runtime } from '../runtime/runtime';
import type { Golden } from '../testing/golden.testing';
import { compileWhole } from '../train/compile-whole';
import { interpretedStep } from '../train/interpreted.testing';
import { compileLayerwise } from '../train/layerwise/compile';
import { hostOptimiser } from '../train/optimiser';
import type { Tape } from '../train/tape/tape';
import { relativeError } from '../train/tiny.testing';

export const FORMS = ['whole', 'layerwise'] as const;
export type Form = (typeof FORMS)[number];

/** A case of a golden file: a tape, its feeds, and the values that it is run with. */
export interface Parity {
  readonly golden: Golden;
  readonly config: DecoderConfig;
  readonly weights: Weights;
  readonly feeds: Record<string, HostTensor>;
  /** @param config with its vocabulary as it is on a device */
  tape(config?: DecoderConfig): Tape;
  /** Prefix of the trained values in the golden. */
  readonly trained: string;
  /** Prefix of the case's terms and gradients. */
  readonly prefix: string;
}

export interface Errors {
  readonly terms: number;
  readonly gradients: number;
}

export const worst = ({ terms, gradients }: Errors): number => Math.max(terms, gradients);

/** A parameter's parts as torch names them, with their places. */
function partsOf(
  parameters: ParameterSet,
  name: string,
): { readonly name: string; readonly offset: number; readonly length: number }[] {
  const { adapters, config } = parameters;
  const at = name.lastIndexOf('.');
  const [adapter, layer] = [name.slice(0, at), name.slice(at + 1)];
  const spec = /^\d+$/.test(layer) ? adapters[adapter] : undefined;
  if (!spec) return [{ name, offset: 0, length: sizeOf(parameters.shape(name)) }];
  const of = `${adapter}.layers.${layer}`;
  if (spec.kind === 'lora')
    return loraLayout(config, spec).parts.map(({ linear, factor, offset, shape }) => ({
      ...{ name: `${of}.${linear}.${factor}`, offset, length: shape[0] * shape[1] },
    }));
  const names = spec.sites.flatMap((site) => ['w1', 'w2'].map((factor) => `${site[0]}.${factor}`));
  const length = packLength(config, spec) / names.length;
  return names.map((part, i) => ({ name: `${of}.${part}`, offset: i * length, length }));
}

/**
 * Values of a part below a prefix of the golden file, by its name; those of the model's own weights are torch's, `weights.…`, packed
 * as the weights are.
 */
function partsBelow(golden: Golden, prefix: string, config: DecoderConfig) {
  let own: Record<string, HostTensor> | undefined;
  const packed = () => {
    const tensors = expectedTensors(config).map(({ name, shape }): [string, HostTensor] => [
      name,
      { dtype: 'f32', shape, data: golden.f32(`${prefix}weights.${name}`) },
    ]);
    return namedWeights(packWeights(config, new Map(tensors)));
  };
  return (part: string): Float32Array<ArrayBuffer> => {
    if (!part.startsWith(BASE)) return golden.f32(`${prefix}${part}`);
    own ??= packed();
    return own[OUTER_PREFIX + part.slice(BASE.length)]?.data as Float32Array<ArrayBuffer>;
  };
}

/** What a part is called in torch; several tensors where they are packed as one. */
const torchNames = (part: string, config: DecoderConfig): readonly string[] =>
  part.startsWith(BASE)
    ? (packedWeights(config).get(OUTER_PREFIX + part.slice(BASE.length))?.parts ?? []).map(
        ({ name }) => `weights.${name}`,
      )
    : [part];

/** Values of every parameter below a prefix of the golden file; of the added tokens, as many rows as the tape has. */
export const valuesOf = (
  { golden, trained, config }: Parity,
  { parameters }: Tape,
  prefix = trained,
): Float32Array<ArrayBuffer>[] => {
  const below = partsBelow(golden, prefix, config);
  return parameters.all.map(({ name, shape }) => {
    const data = new Float32Array(sizeOf(shape));
    for (const { name: part, offset, length } of partsOf(parameters, name))
      data.set(below(part).subarray(0, length), offset);
    return data;
  });
};

/** Values of every part that is trained, by torch's name; those of what is fixed must be 0. */
function trainedParts(parameters: ParameterSet, values: readonly ArrayLike<number>[]): Map<string, number[]> {
  const parts = parameters.all.flatMap(({ name, rateFactor }, i) =>
    partsOf(parameters, name).flatMap(({ name: part, offset, length }): [string, number[]][] => {
      const own = Array.from(values[i] as ArrayLike<number>).slice(offset, offset + length);
      if (rateFactor !== 0) return [[part, own]];
      expect(Math.max(...own.map(Math.abs)), part).toBe(0);
      return [];
    }),
  );
  return new Map(parts);
}

/**
 * Against `projections` of scripts/goldens/lori/files.py, one row a tensor in the order of their names: the largest error of a
 * tensor's norm and two sums, as a share of the norm. √2, since a sum with cosines sees half of an error's square.
 */
function projectionError(
  golden: Golden,
  prefix: string,
  own: ReadonlyMap<string, readonly number[]>,
): number {
  const { shape, data } = golden.tensor(`${prefix}projections`);
  expect(shape).toEqual([own.size, 3]);
  const sum = (values: readonly number[], root: number): number =>
    values.reduce((total, x, i) => total + x * Math.cos(i * Math.sqrt(root)), 0);
  const errors = [...own.keys()].sort().flatMap((name, row) => {
    const values = own.get(name) as readonly number[];
    const [norm, ...sums] = data.subarray(3 * row, 3 * row + 3) as unknown as [number, number, number];
    const found = [Math.hypot(...values) - norm, sum(values, 2) - sums[0], sum(values, 3) - sums[1]];
    return found.map((x) => (Math.SQRT2 * Math.abs(x)) / norm);
  });
  return Math.max(...errors);
}

/**
 * Largest relative error of a term, and of a parameter's gradient; each of torch's names must be compared. To what is fixed torch
 * has no gradient, and there must be none; nor may torch have any of rows that the tape does not have.
 */
function errorsOf(
  { golden, prefix, config }: Parity,
  { parameters, terms: names }: Tape,
  terms: ArrayLike<number>,
  gradients: readonly ArrayLike<number>[],
): Errors {
  expect(names.toSorted()).toEqual([...golden.under(`${prefix}weighted.`).keys()].sort());
  const ofTerms = names.map((name, i) => {
    const expected = golden.scalar(`${prefix}weighted.${name}`);
    return Math.abs((terms[i] as number) - expected) / Math.abs(expected);
  });
  if (golden.names.includes(`${prefix}projections`)) {
    const own = trainedParts(parameters, gradients);
    return { terms: Math.max(...ofTerms), gradients: projectionError(golden, prefix, own) };
  }
  const known = golden.under(`${prefix}grad.`);
  const below = partsBelow(golden, `${prefix}grad.`, config);
  const compared = parameters.all.flatMap(({ name, rateFactor }, i) =>
    partsOf(parameters, name).map(({ name: part, offset, length }) => {
      const own = Array.from(gradients[i] as ArrayLike<number>).slice(offset, offset + length);
      if (rateFactor === 0) return Math.max(...own.map(Math.abs));
      const data = below(part);
      for (const one of torchNames(part, config)) known.delete(one);
      expect(Math.max(0, ...data.subarray(length).map(Math.abs)), part).toBe(0);
      return relativeError(own, data.subarray(0, length));
    }),
  );
  expect([...known.keys()]).toEqual([]);
  return { terms: Math.max(...ofTerms), gradients: Math.max(...compared) };
}

/** In the float64 interpreter: the terms, then every parameter's gradient. */
export const outputsOf = (parity: Parity, tape: Tape): ReturnType<typeof interpretedStep> =>
  interpretedStep(tape, parity.weights, parity.feeds, valuesOf(parity, tape));

export function interpreted(parity: Parity): Errors {
  const tape = parity.tape();
  const [terms, ...gradients] = outputsOf(parity, tape);
  return errorsOf(parity, tape, terms, gradients);
}

/** Norm of each parameter's gradient, by name. */
export function gradientNorms(parity: Parity): Record<string, number> {
  const tape = parity.tape();
  const [, ...gradients] = outputsOf(parity, tape);
  return Object.fromEntries(
    tape.parameters.all.map(({ name }, i) => [name, Math.hypot(...(gradients[i] as Float64Array))]),
  );
}

async function compiled<T>(
  { config, weights, ...parity }: Parity,
  runtime: Runtime,
  form: Form,
  use: (tape: Tape, step: Awaited<ReturnType<typeof compileWhole>>) => Promise<T>,
  options?: ModelOptions,
): Promise<T> {
  const model = new ModelOnDevice(runtime, config, weights, options);
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

export const upload = (
  runtime: Runtime,
  { parameters }: Tape,
  values: readonly Float32Array<ArrayBuffer>[],
) =>
  values.map((data, i) =>
    runtime.upload({ dtype: 'f32', shape: parameters.all[i]?.shape ?? [data.length], data }),
  );

/** On the runtime, by one of the two back ends; run twice, so that what a run leaves behind is seen in the next. */
export const onRuntime = (
  parity: Parity,
  runtime: Runtime,
  form: Form,
  options?: ModelOptions,
): Promise<Errors> =>
  compiled(
    parity,
    runtime,
    form,
    async (tape, step) => {
      const values = upload(runtime, tape, valuesOf(parity, tape));
      await step.run(parity.feeds, values);
      const { terms, gradients } = await step.run(parity.feeds, values);
      const errors = errorsOf(
        parity,
        tape,
        Array.from(terms?.data as Float32Array),
        gradients.map(({ data }) => data as Float32Array),
      );
      for (const value of values) value.dispose();
      if (process.env.SHOW) console.log(parity.prefix, form, errors);
      return errors;
    },
    options,
  );

/**
 * Where a parameter has no gradient but rounding errors, of which AdamW takes the sign: key biases where keys are not rotated. They
 * add the same to a query's score of every key, so that nothing depends on them, and where they end says nothing.
 */
const idleIn = ({ positions, hiddenSize: H }: DecoderConfig, name: string): [number, number] =>
  positions === 'learned' && name.startsWith(BASE) && name.endsWith('.qkvBias') ? [H, 2 * H] : [0, 0];

/** What three steps of clipping and AdamW at a constant rate move each parameter by: largest relative error. */
const afterThreeSteps = (parity: Parity, runtime: Runtime, form: Form): Promise<number> =>
  compiled(parity, runtime, form, async (tape, step) => {
    const { golden, prefix } = parity;
    const start = valuesOf(parity, tape);
    const values = upload(runtime, tape, start);
    const decayed = tape.parameters.all.map((parameter) => ({ ...parameter, decay: true }));
    const optimiser = hostOptimiser(values, golden.meta.optimiser, decayed);
    for (let t = 0; t < 3; t++) {
      const { gradients, terms } = await step.run(parity.feeds, values);
      await optimiser.update(gradients, golden.meta.optimiser.learningRate, terms as never);
    }
    const moved = (all: readonly ArrayLike<number>[]) =>
      all.map((to, i) => Array.from(start[i] as Float32Array, (from, j) => (to[j] as number) - from));
    const own = moved(values.map(({ data }) => data as Float32Array));
    const short = golden.names.includes(`${prefix}after3.projections`);
    const errors = short
      ? [projectionError(golden, `${prefix}after3.`, trainedParts(tape.parameters, own))]
      : moved(valuesOf(parity, tape, `${prefix}after3.`)).map((expected, i) => {
          const idle = idleIn(parity.config, tape.parameters.all[i]?.name ?? '');
          const drifted = (own[i] as number[]).slice(...idle).map(Math.abs);
          // A step moves a value by at most the rate, and by the decay.
          expect(Math.max(0, ...drifted)).toBeLessThan(4 * golden.meta.optimiser.learningRate);
          for (const of of [own[i], expected]) of?.fill(0, ...idle);
          return relativeError(own[i] as number[], expected);
        });
    optimiser.dispose();
    for (const value of values) value.dispose();
    return Math.max(...errors);
  });

/** Of golden values, weights of means and constants to float32, 6e-8 each; measured at most 1.2e-6. */
const ROUNDING = 3e-6;
/** Torch in float64 against float32: asked for are 1e-4 of a term and 1e-3 of a gradient, measured 2e-7 and, where softmax mixtures feed one another, 1.4e-4. */
const [TERMS, GRADIENTS] = [1e-5, 5e-4];

/** Of what three steps move a parameter by; asked for is 1e-3. */
const STEPS = 1e-3;

/** The trained values after three steps, in both back ends, if torch printed them of the case. */
export async function expectSteps(parity: Parity, runtime: Runtime): Promise<void> {
  if (!parity.golden.names.some((name) => name.startsWith(`${parity.prefix}after3.`))) return;
  for (const form of FORMS)
    expect(await afterThreeSteps(parity, runtime, form), `three steps, ${form}`).toBeLessThan(STEPS);
}

/** Agrees with torch: as one program and as small ones in float32; a family's first case also in the float64 interpreter. */
export async function expectParity(parity: Parity, runtime: Runtime): Promise<void> {
  const { golden, trained, prefix } = parity;
  const [first] = Object.keys(golden.meta.cases[trained.slice(0, -1)]);
  if (prefix === `${trained}${first}.`) {
    const exact = interpreted(parity);
    expect(exact.terms, 'interpreter').toBeLessThan(ROUNDING);
    expect(exact.gradients, 'interpreter').toBeLessThan(ROUNDING);
  }
  await expectBackEnds(parity, runtime, { terms: TERMS, gradients: GRADIENTS });
}

/** Agrees with torch within these bounds, as one program and as small ones, and after three steps. */
export async function expectBackEnds(
  parity: Parity,
  runtime: Runtime,
  bounds: { readonly terms: number; readonly gradients: number },
): Promise<void> {
  for (const form of FORMS) {
    const errors = await onRuntime(parity, runtime, form);
    expect(errors.terms, form).toBeLessThan(bounds.terms);
    expect(errors.gradients, form).toBeLessThan(bounds.gradients);
  }
  await expectSteps(parity, runtime);
  expect(runtime.liveTensors).toBe(0);
}

/** In both back ends: the largest error of a term or gradient. */
export async function onBackEnds(parity: Parity, runtime: Runtime): Promise<number> {
  const errors: number[] = [];
  for (const form of FORMS) errors.push(worst(await onRuntime(parity, runtime, form)));
  await expectSteps(parity, runtime);
  expect(runtime.liveTensors).toBe(0);
  return Math.max(...errors);
}
