import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRuntime, type Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { type Golden, readGolden } from '../testing/golden.testing';
import { compileWhole } from './compile-whole';
import {
  adapterErrors,
  type Family,
  type GoldenStep,
  type Method,
  packsOf,
  readGoldenStep,
} from './golden.testing';
import { interpretedStep } from './interpreted.testing';
import { compileLayerwise } from './layerwise/compile';
import type { LayerwiseOptions } from './layerwise/compiled';
import { learningRate } from './loop';
import { hostOptimiser } from './optimiser';
import type { TapeRun } from './step';
import { made, relativeError } from './tiny.testing';

/**
 * Torch in float64 against float32 here. Required: 1e-4 for the terms and 1e-3 for the adapters' gradients. Measured: at most
 * 4e-7 and 2e-6.
 */
const TERMS = 1e-5;
const GRADIENTS = 5e-5;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

const upload = (packs: readonly Float32Array<ArrayBuffer>[]) =>
  packs.map((data) => runtime.upload({ dtype: 'f32', shape: [data.length], data }));

const stepOf = (
  step: GoldenStep,
  form: 'whole' | 'layerwise',
  options: LayerwiseOptions = {},
): Promise<TapeRun> =>
  made(step, runtime, (model, tape) =>
    form === 'whole' ? compileWhole(model, tape, 'step') : compileLayerwise(model, tape, options),
  );

function errorsOf(
  step: GoldenStep,
  method: Method,
  names: readonly string[],
  terms: readonly number[],
  gradients: readonly ArrayLike<number>[],
) {
  const expected = step.terms(names);
  const adapters = adapterErrors(step.golden, step, `${method}.grad.`, gradients);
  expect(adapters.every(({ norm }) => norm > 0)).toBe(true);
  return {
    terms: Math.max(...expected.map((x, i) => Math.abs((terms[i] as number) - x) / Math.abs(x))),
    gradients: Math.max(...adapters.map(({ error }) => error)),
  };
}

const cases: [Family, Method][] = [
  ['llama', 'lori-softmax'],
  ['llama', 'lori-hidden'],
  ['llama', 'nocot'],
  ['qwen2', 'lori-softmax'],
];

describe('a training step agrees with torch', () => {
  it.each(cases)('%s, %s', async (family, method) => {
    const step = await readGoldenStep(family, method);
    const forms: Record<string, () => Promise<TapeRun>> = {
      whole: () => stepOf(step, 'whole'),
      layerwise: () => stepOf(step, 'layerwise'),
      'layerwise, kernels': () => stepOf(step, 'layerwise', { losses: 'kernels' }),
    };
    const packs = upload(step.packs);
    for (const [form, compile] of Object.entries(forms)) {
      const compiled = await compile();
      const { terms, gradients } = await compiled.run(step.feeds, packs);
      const errors = errorsOf(
        step,
        method,
        compiled.terms,
        Array.from(terms?.data as Float32Array),
        gradients.map((g) => g.data),
      );
      if (process.env.SHOW) console.log(family, method, form, errors);
      expect(errors.terms, form).toBeLessThan(TERMS);
      expect(errors.gradients, form).toBeLessThan(GRADIENTS);
      await compiled.dispose();
    }
    for (const pack of packs) pack.dispose();
  });

  it('llama, lori-softmax, in the float64 interpreter, up to the rounding of the golden file', async () => {
    const step = await readGoldenStep('llama', 'lori-softmax');
    const tape = step.tape(step.config);
    const [terms, ...gradients] = interpretedStep(tape, step.weights, step.feeds, step.packs);
    const errors = errorsOf(step, 'lori-softmax', tape.terms, Array.from(terms), gradients);
    if (process.env.SHOW) console.log('interpreter', errors);
    // Targets and weights of the batch are rounded to float32 (6e-8 each).
    expect(errors.terms).toBeLessThan(1e-6);
    expect(errors.gradients).toBeLessThan(1e-6);
  });
});

describe('three steps of clipping, AdamW and the schedule agree with torch', () => {
  it.each(['whole', 'layerwise'] as const)('%s', async (form) => {
    const step = await readGoldenStep('llama', 'lori-softmax');
    const golden = readGolden('adamw-llama');
    const { optimiser: o } = golden.meta;
    const compiled = await stepOf(step, form);
    const packs = upload(step.packs);
    const optimiser = hostOptimiser(packs, o);
    const relative = (actual: number, expected: number): number =>
      Math.abs(actual - expected) / Math.abs(expected);
    const rates = golden.tensor('schedule').data;
    const peak = Math.max(...rates);
    rates.forEach((rate, t) => {
      expect(Math.abs(learningRate(t, o.steps, o.learningRate, o.warmup) - rate)).toBeLessThan(1e-7 * peak);
    });
    const worst: Record<string, number> = {};
    for (let t = 0; t < 3; t++) {
      const output = await compiled.run(step.feeds, packs);
      const rate = learningRate(t, o.steps, o.learningRate, o.warmup);
      const { norm, finite, terms } = await optimiser.update(
        output.gradients,
        rate,
        output.terms as DeviceTensor,
      );
      const total = terms.reduce((sum, x) => sum + x, 0);
      expect(finite).toBe(true);
      worst[`total ${t}`] = relative(total, golden.tensor('total').data[t] as number);
      worst[`norm ${t}`] = relative(norm, golden.tensor('gradNorm').data[t] as number);
      if (t === 1) continue;
      const values = packs.map((pack) => pack.data as Float32Array);
      // Compares the updates, not the values: the adapters themselves are far larger than three steps.
      const moved = movedErrors(golden, step, `after${t + 1}.`, values);
      worst[`after ${t + 1}`] = Math.max(...moved);
    }
    if (process.env.SHOW) console.log(form, worst);
    expect(Math.max(...Object.values(worst))).toBeLessThan(1e-4);
    optimiser.dispose();
    await compiled.dispose();
    for (const pack of packs) pack.dispose();
  });
});

/** Relative error of each pack's total update. */
function movedErrors(
  golden: Golden,
  step: GoldenStep,
  prefix: string,
  values: readonly Float32Array[],
): number[] {
  return packsOf(golden, step, prefix).map((expected, i) => {
    const start = step.packs[i] as Float32Array;
    const minus = (x: Float32Array): Float32Array => x.map((v, j) => v - (start[j] as number));
    return relativeError(minus(values[i] as Float32Array), minus(expected));
  });
}
