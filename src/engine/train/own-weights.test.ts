import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../base/rng';
import { interpret } from '../graph/interpret.testing';
import { initialWeights } from '../model/initial-weights';
import { ModelOnDevice } from '../model/model-on-device';
import type { DecoderConfig } from '../nn/config';
import { ParameterSet } from '../nn/parameter-set';
import { BASE, NO_PARAMETERS } from '../nn/parameters';
import { namedWeights } from '../nn/weights';
import { answerAfter, explicitAfter, readQuestion, think } from '../recipes/shared/passes';
import { tokenFeeds } from '../recipes/shared/token-inputs';
import { createRuntime, type Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { compileWhole } from './compile-whole';
import { compileLayerwise } from './layerwise/compile';
import { tapeFeeds } from './tape/inputs';
import { Tape } from './tape/tape';
import { traceTape } from './tape/whole';
import { randomBatch, randomWeights, relativeError, TINY_CONFIG, TINY_GPT2, TINY_QWEN } from './tiny.testing';

/** A model's own weights, all of them, trained: embedding, positions, norms, layers and head. */

/**
 * float32 against float64; measured at most 1.2e-5, for the embedding that also serves as head and in
 * mixtures.
 */
const TOLERANCE = 5e-5;
const layout = { batch: 2, question: 4, prompt: 2, answer: 2, explicit: 4 };

const CASES: [string, DecoderConfig, 'softmax' | 'hidden'][] = [
  ['tied, softmax latents', TINY_CONFIG, 'softmax'],
  ['a head of its own and biases, hidden latents', TINY_QWEN, 'hidden'],
  ['learned positions, LayerNorm', TINY_GPT2, 'softmax'],
];

function recorded(config: DecoderConfig, kind: 'softmax' | 'hidden'): Tape {
  const tape = new Tape(new ParameterSet(config, {}, [], 'all'), layout.batch);
  const question = readQuestion(tape, layout, []);
  explicitAfter(tape, question, layout, 0.6, []);
  const feedback = kind === 'softmax' ? ({ kind, temperature: 0.7 } as const) : ({ kind } as const);
  const thoughts = think(tape, question, 2, feedback, []);
  answerAfter(tape, thoughts.at(-1) ?? question, layout, 0.9, []);
  return tape;
}

const setUp = (config: DecoderConfig, kind: 'softmax' | 'hidden') => {
  const rng = new Rng(6);
  return {
    weights: randomWeights(config, rng.fork('weights')),
    feeds: tokenFeeds(randomBatch(layout, config.vocabSize, rng.fork('batch'))),
    tape: (own: DecoderConfig) => recorded(own, kind),
  };
};

/** In float64: loss and gradients by parameter. */
function exact(config: DecoderConfig, { weights, feeds, tape: record }: ReturnType<typeof setUp>) {
  const tape = record(config);
  const { terms, ...gradients } = traceTape(tape, 'step').outputs;
  const bound: Record<string, ArrayLike<number>> = {};
  for (const [name, { data }] of Object.entries(tapeFeeds(tape, feeds))) bound[name] = data;
  const own = new Map<string, Float64Array>();
  for (const [name, { data }] of Object.entries(namedWeights(weights))) {
    const values = Float64Array.from(data);
    own.set(name.replace('w.', BASE), values);
    bound[name.replace('w.', BASE)] = values;
  }
  return {
    tape,
    own,
    loss: () => (interpret([terms as never], bound)[0] as Float64Array).reduce((sum, x) => sum + x, 0),
    gradients: () => interpret(Object.values(gradients), bound),
  };
}

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

describe.each(CASES)('%s', (_name, config, kind) => {
  it('the gradient agrees with central differences in float64, for every tensor', () => {
    const { tape, own, loss, gradients } = exact(config, setUp(config, kind));
    const all = gradients();
    const h = 1e-5;
    tape.parameters.all.forEach(({ name }, i) => {
      const gradient = all[i] as Float64Array;
      const values = own.get(name) as Float64Array;
      const rms = Math.sqrt(gradient.reduce((sum, x) => sum + x * x, 0) / gradient.length);
      expect(rms, name).toBeGreaterThan(1e-6);
      for (const j of [1, 97].map((k) => k % values.length)) {
        const at = values[j] as number;
        values[j] = at + h;
        const up = loss();
        values[j] = at - h;
        const down = loss();
        values[j] = at;
        expect(Math.abs((up - down) / (2 * h) - (gradient[j] as number)) / rms, name).toBeLessThan(1e-5);
      }
    });
  });

  it.each([
    ['whole', undefined],
    ['layerwise', undefined],
    ['whole', 7 * config.hiddenSize * 4],
    ['layerwise', 7 * config.hiddenSize * 4],
  ] as const)('%s, vocabulary in chunks of %s bytes, has that gradient', async (form, maxVocabularyBytes) => {
    const step = setUp(config, kind);
    const { own, tape: whole, gradients } = exact(config, step);
    const expected = new Map(
      gradients().map((gradient, i) => [whole.parameters.all[i]?.name as string, gradient]),
    );
    const model = new ModelOnDevice(runtime, config, step.weights, { maxVocabularyBytes });
    const tape = step.tape(model.config);
    const initial = tape.parameters.initial(new Rng(1), initialWeights(model));
    const parameters = tape.parameters.all.map(({ shape }, i) =>
      runtime.upload({ dtype: 'f32', shape, data: initial[i] as Float32Array<ArrayBuffer> }),
    );
    const run =
      form === 'whole' ? await compileWhole(model, tape, 'step') : await compileLayerwise(model, tape);
    await run.run(step.feeds, parameters);
    const { gradients: found } = await run.run(step.feeds, parameters);
    // The chunks of a tensor, concatenated, are the tensor.
    const joined = new Map<string, number[]>();
    tape.parameters.all.forEach(({ name }, i) => {
      const key = name.replace(/^(base\.(?:embedding|head))\.\d+$/, '$1');
      joined.set(key, [...(joined.get(key) ?? []), ...((found[i] as DeviceTensor).data as Float32Array)]);
    });
    let worst = 0;
    for (const [name, gradient] of expected)
      worst = Math.max(worst, relativeError(joined.get(name) as number[], gradient));
    if (process.env.SHOW) console.log(_name, form, maxVocabularyBytes, worst.toExponential(1), run.programs);
    expect(worst).toBeLessThan(TOLERANCE);
    expect([...joined.keys()].sort()).toEqual([...own.keys()].sort());
    for (const one of parameters) one.dispose();
    await run.dispose();
    // The frozen weights were not needed.
    expect(model.traffic).toMatchObject({ uploads: 0 });
    await model.release();
    expect(runtime.liveTensors).toBe(0);
  });
});

it('a set made from plain data has the same parameters', () => {
  const set = new ParameterSet(TINY_GPT2, {}, [], 'all');
  const { adapters, modules, weights } = JSON.parse(JSON.stringify(set.specs));
  const again = new ParameterSet(TINY_GPT2, adapters, modules, weights);
  const shapes = ({ all }: ParameterSet) => all.map(({ name, shape, decay }) => [name, shape, decay]);
  expect(shapes(again)).toEqual(shapes(set));
  expect(set.specs).not.toEqual(NO_PARAMETERS);
  expect(
    shapes(set)
      .filter(([, , decay]) => !decay)
      .every(([name]) => /[nN]orm|Bias/.test(String(name))),
  ).toBe(true);
});
