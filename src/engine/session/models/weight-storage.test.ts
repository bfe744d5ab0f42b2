import { afterEach, beforeEach, expect, it } from 'vitest';
import type { NamedFile } from '../../../contract/lens';
import { floatsOf } from '../../base/half';
import { formOf, keptFloats } from '../../base/kept';
import { parseModelConfig } from '../../checkpoint/config';
import { toHost } from '../../checkpoint/safetensors';
import { parseSafetensors } from '../../checkpoint/safetensors.testing';
import { filesOf, tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { LoriWorkbench } from '../workbench';
import { COMPARED_TEXT } from './storage-errors';
import { type OpenedModel, resolveSubject } from './subjects';
import { storedAs, usuallyStored } from './weight-storage';

let workbench: LoriWorkbench;
let files: NamedFile[];
beforeEach(async () => {
  const pair = await tinyPair();
  workbench = new LoriWorkbench(tinyEnvironment(pair));
  await workbench.open('wasm');
  files = filesOf(pair, 'teacher');
});
afterEach(() => workbench.close());

const look = () =>
  workbench.lens({
    source: { kind: 'texts', texts: [COMPARED_TEXT] },
    selections: [{ subject: { kind: 'opened' }, sections: ['text'] }],
    ...{ layers: null, stack: 'layer', centre: false, controls: [], seed: 1 },
    ...{ tucker: false, trajectories: null, angles: 0 },
  });

const SHORT = { half: '16 bits', int8: '8 bits', int4: '4 bits' } as const;

it('stores an opened model as float32, and in fewer bits once that is chosen', async () => {
  await expect(workbench.storeWeights('int8')).rejects.toMatchObject({ code: 'input' });
  expect((await workbench.openCheckpoint(files)).storage).toBe('f32');
  const sigma = (report: Awaited<ReturnType<typeof look>>) =>
    report.selections[0]?.spectra.map((s) => Array.from(s.sigma));
  const before = sigma(await look());
  const seen = [before];
  for (const storage of ['half', 'int8', 'int4'] as const) {
    expect((await workbench.storeWeights(storage)).storage).toBe(storage);
    const after = await look();
    expect(after.selections[0]?.model).toMatch(new RegExp(`, matrices in ${SHORT[storage]}$`));
    // States cached before are not mistaken for the new ones.
    expect(seen).not.toContainEqual(sigma(after));
    seen.push(sigma(after));
  }
  await workbench.storeWeights('f32');
  expect(sigma(await look())).toEqual(before);
  await expect(workbench.storeWeights('int2' as never)).rejects.toMatchObject({
    message: expect.stringContaining('there is no storage "int2"'),
    hint: 'Choose f32, half, int8, int4.',
  });
});

/** Bounds, from and to, for the errors of matrices and of hidden states. */
const ERRORS = {
  half: [5e-5, 5e-4, 1e-5, 2e-3],
  int8: [1e-3, 1e-2, 1e-4, 5e-2],
  int4: [2e-2, 0.15, 2e-3, 0.6],
} as const;

it.each(['f32', 'int8'] as const)('measures the effect of fewer bits on a model in %s', async (own) => {
  await workbench.openCheckpoint(files);
  await workbench.storeWeights(own);
  const { layers, reference, storages } = await workbench.storageErrors();
  expect(layers).toEqual([1, 2]);
  expect(reference).toMatchObject({ storage: 'f32', shares: [0.8, 0.9, 0.95, 0.99] });
  // The same from the file's own tensors, none of which are packed.
  const file = files.find(({ name }) => name === 'model.safetensors') as NamedFile;
  const tensors = [...parseSafetensors(await file.data.arrayBuffer()).values()];
  for (const { storage, weights, states } of storages) {
    let [difference, size] = [0, 0];
    for (const tensor of tensors) {
      if (!tensor.name.includes('.layers.') || tensor.shape.length !== 2) continue;
      const host = toHost(tensor);
      const values = floatsOf(host);
      keptFloats(host, formOf(storage, 'wasm'), '').forEach((kept, i) => {
        difference += (kept - (values[i] as number)) ** 2;
        size += (values[i] as number) ** 2;
      });
    }
    expect(weights?.error).toBeCloseTo(Math.sqrt(difference / size), 8);
    const [least, most, leastOfStates, mostOfStates] = ERRORS[storage];
    expect(weights?.error).toBeGreaterThanOrEqual(least);
    expect(weights?.error).toBeLessThanOrEqual(most);
    expect(states?.error).toBeGreaterThanOrEqual(leastOfStates);
    expect(states?.error).toBeLessThanOrEqual(mostOfStates);
    expect(states?.largest.error).toBeGreaterThanOrEqual(states?.error as number);
    if (own === 'f32' || storage === 'half') continue;
    // The ranks are those that the lens finds.
    await workbench.storeWeights(storage);
    const ranks = (await look()).selections[0]?.spectra.map(({ energyRanks }) => energyRanks);
    expect(states?.ranks).toEqual(reference?.shares.map((_, i) => ranks?.map((layer) => layer[i])));
  }
});

it('stores what does not fit as float32 in as many bits as do, and says so; on WebGPU only on request', () => {
  const config = parseModelConfig({
    ...{ model_type: 'llama', hidden_size: 2048, intermediate_size: 8192, num_hidden_layers: 16 },
    ...{ num_attention_heads: 32, num_key_value_heads: 8, vocab_size: 128256, rms_norm_eps: 1e-5 },
    ...{ rope_theta: 500000, tie_word_embeddings: true, max_position_embeddings: 131072 },
  });
  const model = { config, report: { name: 'large', notes: ['one'] } };
  const opened = { model } as unknown as OpenedModel;
  const stored = usuallyStored(opened, 'wasm').model;
  expect(stored.config.storage).toBe('half');
  expect(stored.report).toMatchObject({
    storage: 'half',
    notes: ['one', expect.stringMatching(/in 16 bits: as float32, .* would take 4\.\d GB of the 4\.0 GB/)],
  });
  // Three and seven billion parameters.
  const larger = (layers: number) => ({ model: { ...model, config: { ...config, layers } } });
  const storages = [40, 100, 500].map(
    (layers) => usuallyStored(larger(layers) as unknown as OpenedModel, 'wasm').model.config.storage,
  );
  expect(storages).toEqual(['int8', 'int4', 'int4']);
  // Results name the storage, unless weights are float32.
  const sourceOf = (model: OpenedModel) =>
    resolveSubject({ kind: 'opened' }, { opened: model, checkpoints: new Map() }).source;
  const onGpu = usuallyStored(opened, 'webgpu');
  expect([sourceOf(storedAs(opened, 'int8')), sourceOf(onGpu)]).toEqual([
    'large, matrices in 8 bits',
    'large',
  ]);
  expect(onGpu.model.report.storage).toBe('f32');
  const onnx = { model: { ...model, onnx: {} } } as unknown as OpenedModel;
  expect(() => storedAs(onnx, 'int8')).toThrow('an ONNX export runs with its own weights');
  expect(usuallyStored(onnx, 'wasm')).toBe(onnx);
});
