import { afterAll, beforeAll, expect, it } from 'vitest';
import { Rng } from '../base/rng';
import type { Device } from '../device/device';
import { openDevice } from '../device/open-device';
import { createHalfUpload } from '../kernels/convert/convert';
import { initialWeights } from '../model/initial-weights';
import { ModelOnDevice } from '../model/model-on-device';
import { ParameterSet } from '../nn/parameter-set';
import { answerAfter, readQuestion, think } from '../recipes/shared/passes';
import { tokenFeeds } from '../recipes/shared/token-inputs';
import { wasmPaths } from '../runtime/assets';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { compileLayerwise } from './layerwise/compile';
import { Tape } from './tape/tape';
import { randomBatch, randomWeights, relativeError, TINY_GPT2 } from './tiny.testing';

/** f32 on a software adapter, whose exp errs by 1e-6, against f32 on WASM. */
const TOLERANCE = 2e-4;
const layout = { batch: 2, question: 4, prompt: 2, answer: 2, explicit: 4 };

let device: Device;
let gpu: Runtime;
let wasm: Runtime;
beforeAll(async () => {
  device = await openDevice();
  wasm = await createRuntime({ provider: 'wasm', wasmPaths });
  const uploadHalves = await createHalfUpload(device);
  gpu = await createRuntime({ provider: 'webgpu', device, uploadHalves, wasmPaths });
});
afterAll(async () => {
  await gpu.dispose();
  await wasm.dispose();
  device.destroy();
});

it('a model’s own weights have the same gradients on WebGPU as on WASM, the vocabulary in chunks', async () => {
  const rng = new Rng(6);
  const weights = randomWeights(TINY_GPT2, rng.fork('weights'));
  const feeds = tokenFeeds(randomBatch(layout, TINY_GPT2.vocabSize, rng.fork('batch')));
  const found: Float32Array[][] = [];
  for (const runtime of [wasm, gpu]) {
    const maxVocabularyBytes = 7 * TINY_GPT2.hiddenSize * 4;
    const model = new ModelOnDevice(runtime, TINY_GPT2, weights, { maxVocabularyBytes });
    const tape = new Tape(new ParameterSet(model.config, {}, [], 'all'), layout.batch);
    const question = readQuestion(tape, layout, []);
    const thoughts = think(tape, question, 2, { kind: 'softmax', temperature: 0.7 }, []);
    answerAfter(tape, thoughts.at(-1) ?? question, layout, 1, []);
    const initial = tape.parameters.initial(new Rng(1), initialWeights(model));
    const parameters = tape.parameters.all.map(({ shape }, i) =>
      runtime.upload({ dtype: 'f32', shape, data: initial[i] as Float32Array<ArrayBuffer> }),
    );
    const step = await compileLayerwise(model, tape, runtime === gpu ? { device } : {});
    const { gradients } = await step.run(feeds, parameters);
    const read: Float32Array[] = [];
    for (const gradient of gradients) read.push((await gradient.read()).slice() as Float32Array);
    found.push(read);
    for (const one of parameters) one.dispose();
    await step.dispose();
    await model.release();
    expect(runtime.liveTensors).toBe(0);
  }
  const [expected, actual] = found as [Float32Array[], Float32Array[]];
  expected.forEach((gradient, i) => {
    expect(Math.hypot(...gradient)).toBeGreaterThan(1e-6);
    expect(relativeError(actual[i] as Float32Array, gradient)).toBeLessThan(TOLERANCE);
  });
}, 60_000);
