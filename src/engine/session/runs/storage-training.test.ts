import { afterAll, beforeAll, expect, it } from 'vitest';
import { formOf, type KeptAs, keptFloats } from '../../base/kept';
import { Rng } from '../../base/rng';
import { tokenBatch } from '../../data/batch';
import { isLayerMatrix } from '../../model/device-weights';
import { ParameterSet } from '../../nn/parameter-set';
import { ce } from '../../recipes/ce';
import { tokenFeeds } from '../../recipes/shared/token-inputs';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import type { DeviceTensor } from '../../runtime/tensor';
import { uploadAll } from '../../runtime/upload-all';
import { serveFiles, tinyPair } from '../../testing/tiny-pair.testing';
import { compileWhole } from '../../train/compile-whole';
import { Tape } from '../../train/tape/tape';
import { DeviceModels } from '../models/device-models';
import { type LoadedModel, loadPair, type Pair } from '../models/pair';
import { ProblemSet } from '../models/problems';
import { planOf } from './plan';
import { tinyRunBy } from './tiny-run.testing';

let runtime: Runtime;
let pair: Pair;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
  ({ pair } = await loadPair('models', { fetch: serveFiles(await tinyPair()) }));
});
afterAll(() => runtime.dispose());

/** The model with its layers' matrices rounded by such a storage, as float32. */
function dequantised(model: LoadedModel, storage: KeptAs): LoadedModel {
  const { weights } = model;
  return {
    ...model,
    weights: {
      ...weights,
      tensors: weights.tensors,
      read(name, from, to) {
        const read = weights.read(name, from, to);
        const { shape } = read;
        if (!isLayerMatrix(name, shape)) return read;
        return { dtype: 'f32', shape, data: keptFloats(read, formOf(storage, 'wasm'), name) };
      },
    },
  };
}

/** The loss and all gradients of one step on two samples. */
async function step(model: LoadedModel): Promise<{ loss: number; gradients: Float32Array[] }> {
  const models = new DeviceModels(runtime);
  const config = tinyRunBy('ce', { lora: { rank: 3 } as never }) as Parameters<typeof ce.record>[1]['config'];
  const roles = {
    ...{ student: model, tokenizer: pair.tokenizer, codec: pair.codec, hashes: {} },
    teacher: { model, label: '' },
  };
  const training = new ProblemSet(pair.manifest.data, pair.codec).sample(3, 2);
  const stages = [{ name: '', from: 0 }];
  const { layout, trained, batch } = planOf(config, ce as never, roles, stages, { training });
  const used = models.use(model);
  const set = new ParameterSet(used.config, ce.adapters(config));
  const tape = new Tape(set, batch, 1);
  ce.record(tape, { config, layout, losses: {} });
  const compiled = await compileWhole(used, tape, 'step');
  // Both adapter factors are non-zero, so that every gradient is too.
  const rng = new Rng(5);
  const values = set.all.map(({ shape, name }) => {
    const own = rng.fork(name);
    const length = shape.reduce((n, d) => n * d, 1);
    return { dtype: 'f32' as const, shape, data: Float32Array.from({ length }, () => 0.1 * own.normal()) };
  });
  const packs = uploadAll(runtime, values, (i) => `pack ${i}`);
  const { terms, gradients } = await compiled.run(tokenFeeds(tokenBatch(trained, pair.codec, layout)), packs);
  const read = (tensor: DeviceTensor) => tensor.read() as Promise<Float32Array>;
  const [loss] = await read(terms as DeviceTensor);
  const out = { loss: loss as number, gradients: await Promise.all(gradients.map(read)) };
  for (const pack of packs) pack.dispose();
  await compiled.dispose();
  await used.release();
  await models.dispose();
  return out;
}

const distance = (a: readonly Float32Array[], b: readonly Float32Array[]): number => {
  let [difference, size] = [0, 0];
  for (const [i, x] of a.entries())
    for (let j = 0; j < x.length; j++) {
      difference += ((x[j] as number) - (b[i]?.[j] as number)) ** 2;
      size += (x[j] as number) ** 2;
    }
  return Math.sqrt(difference / size);
};

it.each(['half', 'int8', 'int4'] as const)(
  'trains on weights stored as %s: loss and gradients are those of the dequantised weights',
  async (storage) => {
    const kept = await step({ ...pair.base, config: { ...pair.base.config, storage } });
    const f32 = await step(dequantised(pair.base, storage));
    const exact = await step(pair.base);
    // The same float32 sums; measured 1e-7.
    expect(Math.abs(kept.loss / f32.loss - 1)).toBeLessThan(1e-5);
    expect(distance(f32.gradients, kept.gradients)).toBeLessThan(1e-4);
    // And not those of the original weights, which float16 hardly changes.
    const apart = distance(exact.gradients, kept.gradients);
    expect(apart).toBeGreaterThan(1e-3);
    if (storage === 'half') expect(apart).toBeLessThan(2e-2);
  },
);
