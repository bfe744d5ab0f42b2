import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostTensor } from '../base/dtype';
import { HIDDEN } from '../base/tokens';
import { parseModelConfig } from '../checkpoint/config';
import { ModelOnDevice } from '../model/model-on-device';
import { packLength } from '../nn/attachments';
import type { DecoderConfig } from '../nn/config';
import { loraLayout } from '../nn/lora';
import type { ParameterSet } from '../nn/parameter-set';
import { expectedTensors, packWeights } from '../nn/weights';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { readGolden } from '../testing/golden.testing';
import { compileWhole } from './compile-whole';
import { interpretedStep } from './interpreted.testing';
import { compileLayerwise } from './layerwise/compile';
import { type ProofLayout, recordCodi, recordPolicy, recordSilent } from './proofs.testing';
import type { Tape } from './tape/tape';
import { relativeError } from './tiny.testing';

/** Torch in float64 against float32 here; measured at most 1e-6 for a term and 3e-6 for a gradient. */
const TOLERANCE = 2e-5;
/** The interpreter computes in float64: only the golden file's own rounding to float32 is left, 6e-8 a value. */
const ROUNDING = 1e-6;

const golden = readGolden('proofs');
const { run, prompt } = golden.meta;
const config = parseModelConfig(golden.meta.config);
const sizes = { explicit: golden.tensor('batch.explicit').shape[1] as number, prompt: prompt.length };
const [batch, S] = golden.tensor('batch.questions').shape as readonly [number, number];
const answer = golden.tensor('batch.answerTargets').shape[1] as number;
const layout: ProofLayout = { batch, question: S, answer, ...sizes, thoughts: run.latents };
const weights = packWeights(
  config,
  new Map(
    expectedTensors(config).map(({ name, shape }): [string, HostTensor] => [
      name,
      { dtype: 'f32', shape, data: golden.f32(`weights.${name}`) },
    ]),
  ),
);

/** A pack's parts, under torch's names, with their positions. */
function partsOf(parameters: ParameterSet, name: string): { name: string; offset: number; length: number }[] {
  const [adapter, layer] = name.split('.') as [string, string];
  const spec = parameters.adapters[adapter];
  if (!spec)
    return [{ name, offset: 0, length: parameters.shape(name).reduce((n: number, d: number) => n * d, 1) }];
  if (spec.kind === 'lora')
    return loraLayout(config, spec).parts.map(({ linear, factor, offset, shape }) => ({
      name: `${adapter}.layers.${layer}.${linear}.${factor}`,
      offset,
      length: shape[0] * shape[1],
    }));
  const length = packLength(config, spec) / 4;
  return ['k.w1', 'k.w2', 'v.w1', 'v.w2'].map((part, i) => ({
    name: `${adapter}.layers.${layer}.${part}`,
    offset: i * length,
    length,
  }));
}

const valuesOf = ({ parameters }: Tape): Float32Array<ArrayBuffer>[] =>
  parameters.all.map(({ name, shape }) => {
    const data = new Float32Array(shape.reduce((n, d) => n * d, 1));
    for (const part of partsOf(parameters, name)) data.set(golden.f32(part.name), part.offset);
    return data;
  });

function feedsOf(): Record<string, HostTensor> {
  const ids = (name: string, columns: number): HostTensor => {
    const { shape } = golden.tensor(name);
    const all = golden.i32(name);
    const [rows, width] = shape as readonly [number, number];
    const data = Int32Array.from(
      { length: rows * columns },
      (_, i) => all[Math.floor(i / columns) * width + (i % columns)] as number,
    );
    return { dtype: 'i32', shape: [rows, columns], data };
  };
  const means = (name: string): HostTensor => {
    const mask = golden.f32(name);
    const count = mask.reduce((n, x) => n + x, 0);
    return { dtype: 'f32', shape: golden.tensor(name).shape, data: mask.map((x) => x / count) };
  };
  const floats = (name: string, shape = golden.tensor(name).shape): HostTensor => ({
    dtype: 'f32',
    shape,
    data: golden.f32(name),
  });
  const keyMask = golden.f32('batch.questionsMask').map((seen) => (seen ? 0 : HIDDEN));
  return {
    'question.ids': ids('batch.questions', S),
    'question.keyMask': { dtype: 'f32', shape: [batch, 1, 1, S], data: keyMask },
    'answer.ids': ids('batch.answerInputs', prompt.length + answer - 1),
    'answer.targets': ids('batch.answerTargets', answer),
    'answer.weights': means('batch.answerTargetsMask'),
    'explicit.ids': ids('batch.explicit', sizes.explicit - 1),
    'explicit.targets': ids('batch.explicit', sizes.explicit),
    'explicit.weights': means('batch.explicitMask'),
    'explicit.anchors': { dtype: 'i32', shape: [batch], data: golden.i32('batch.anchors') },
    'silent.ids': ids('silent.ids', run.silent),
    'policy.old': floats('policy.old'),
    'policy.reference': floats('policy.reference'),
    'policy.advantages': floats('policy.advantages', [batch, 1]),
  };
}

/** Worst relative error of the terms, and of every parameter's gradient, by torch's names. */
function errorsOf(
  recipe: string,
  tape: Tape,
  terms: ArrayLike<number>,
  gradients: readonly ArrayLike<number>[],
): number {
  const errors = tape.terms.map((name, i) => {
    const expected = golden.scalar(`${recipe}.weighted.${name}`);
    return Math.abs((terms[i] as number) - expected) / Math.abs(expected);
  });
  const compared = tape.parameters.all.flatMap(({ name }, i) =>
    partsOf(tape.parameters, name).map((part) => {
      const expected = golden.tensor(`${recipe}.grad.${part.name}`).data;
      expect(
        expected.some((x) => Math.abs(x) > 1e-7),
        part.name,
      ).toBe(true);
      const own = Array.from(gradients[i] as ArrayLike<number>).slice(part.offset, part.offset + part.length);
      return relativeError(own, expected);
    }),
  );
  expect(compared.length).toBe(golden.under(`${recipe}.grad.`).size);
  return Math.max(...errors, ...compared);
}

const RECIPES = {
  codi: (on: DecoderConfig) => recordCodi(on, layout, run, run.projection),
  silent: (on: DecoderConfig) => recordSilent(on, { ...layout, thoughts: run.silent }, run),
  policy: (on: DecoderConfig) => recordPolicy(on, layout, run),
};
/** 7 of 23 rows of the embedding. */
const CHUNK = 7 * config.hiddenSize * 4;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

describe.each(Object.entries(RECIPES))('%s agrees with torch', (recipe, record) => {
  it.each([
    ['whole', 'whole', undefined],
    ['layerwise', 'layerwise', undefined],
    ['whole, vocabulary in chunks', 'whole', CHUNK],
    ['layerwise, vocabulary in chunks', 'layerwise', CHUNK],
  ] as const)('%s', async (_name, form, maxVocabularyBytes) => {
    const model = new ModelOnDevice(runtime, config, weights, { maxVocabularyBytes });
    const tape = record(model.config);
    const step =
      form === 'whole'
        ? await compileWhole(model, tape, 'step')
        : await compileLayerwise(model, tape, { losses: 'traced' });
    const parameters = valuesOf(tape).map((data, i) =>
      runtime.upload({ dtype: 'f32', shape: tape.parameters.all[i]?.shape ?? [], data }),
    );
    const feeds = feedsOf();
    // Runs twice, so that anything left over from one run would show in the next.
    await step.run(feeds, parameters);
    const out = await step.run(feeds, parameters);
    const error = errorsOf(
      recipe,
      tape,
      Array.from(out.terms?.data as Float32Array),
      out.gradients.map(({ data }) => data as Float32Array),
    );
    if (process.env.SHOW) console.log(recipe, form, error.toExponential(1), step.programs);
    expect(error).toBeLessThan(TOLERANCE);
    for (const parameter of parameters) parameter.dispose();
    await step.dispose();
    await model.release();
    expect(runtime.liveTensors).toBe(0);
  });

  it('in the float64 interpreter, up to the rounding of the golden file', () => {
    const tape = record(config);
    const [terms, ...gradients] = interpretedStep(tape, weights, feedsOf(), valuesOf(tape));
    const error = errorsOf(recipe, tape, terms, gradients);
    if (process.env.SHOW) console.log(recipe, 'interpreter', error.toExponential(1));
    expect(error).toBeLessThan(ROUNDING);
  });
});
