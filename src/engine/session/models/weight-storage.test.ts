import { afterEach, beforeEach, expect, it } from 'vitest';
import type { NamedFile } from '../../../contract/lens';
import { throughBlocks } from '../../base/blocks';
import { floatsOf } from '../../base/half';
import { parseModelConfig } from '../../checkpoint/config';
import { toHost } from '../../checkpoint/safetensors';
import { parseSafetensors } from '../../checkpoint/safetensors.testing';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { LoriWorkbench } from '../workbench';
import { type OpenedModel, resolveSubject } from './subjects';
import { COMPARED_TEXT, storedAs, usuallyStored } from './weight-storage';

let workbench: LoriWorkbench;
let files: NamedFile[];
beforeEach(async () => {
  const pair = await tinyPair();
  workbench = new LoriWorkbench(tinyEnvironment(pair));
  await workbench.open('wasm');
  files = [...pair]
    .filter(([path]) => path.startsWith('teacher/'))
    .map(([path, bytes]) => ({ name: path.slice('teacher/'.length), data: new Blob([bytes]) }));
});
afterEach(() => workbench.close());

const look = () =>
  workbench.lens({
    source: { kind: 'texts', texts: [COMPARED_TEXT] },
    selections: [{ subject: { kind: 'opened' }, sections: ['text'] }],
    ...{ layers: null, stack: 'layer', centre: false, controls: [], seed: 1 },
    ...{ tucker: false, trajectories: null, angles: 0 },
  });

it('an opened model is kept as float32, and in 8 bits once that is chosen', async () => {
  await expect(workbench.storeWeights('int8')).rejects.toMatchObject({ code: 'input' });
  expect((await workbench.openCheckpoint(files)).storage).toBe('f32');
  const before = await look();
  expect((await workbench.storeWeights('int8')).storage).toBe('int8');
  const after = await look();
  expect(after.selections[0]?.model).toMatch(/, matrices in 8 bits$/);
  const sigma = (report: typeof after) => report.selections[0]?.spectra.map((s) => Array.from(s.sigma));
  // States kept from before are not taken for the new ones.
  expect(sigma(after)).not.toEqual(sigma(before));
  await workbench.storeWeights('f32');
  expect(sigma(await look())).toEqual(sigma(before));
  await expect(workbench.storeWeights('int4' as never)).rejects.toMatchObject({
    message: expect.stringContaining('there is no storage "int4"'),
  });
});

it.each(['f32', 'int8'] as const)('measures what 8 bits change, of a model kept as %s', async (storage) => {
  await workbench.openCheckpoint(files);
  await workbench.storeWeights(storage);
  const { weights, states } = await workbench.storageErrors();
  expect(weights.layers).toEqual([1, 2]);
  // The same from the file's own tensors, none of which is packed there.
  const file = files.find(({ name }) => name === 'model.safetensors') as NamedFile;
  let [difference, size] = [0, 0];
  for (const tensor of parseSafetensors(await file.data.arrayBuffer()).values()) {
    const { name, shape } = tensor;
    if (!name.includes('.layers.') || shape.length !== 2) continue;
    const values = floatsOf(toHost(tensor));
    throughBlocks(values, shape[1] as number).forEach((kept, i) => {
      difference += (kept - (values[i] as number)) ** 2;
      size += (values[i] as number) ** 2;
    });
  }
  expect(weights.error).toBeCloseTo(Math.sqrt(difference / size), 8);
  expect(weights.error).toBeGreaterThan(1e-3);
  expect(weights.error).toBeLessThan(1e-2);
  expect(states?.error).toBeGreaterThan(1e-4);
  expect(states?.error).toBeLessThan(5e-2);
  expect(states?.largest.error).toBeGreaterThanOrEqual(states?.error as number);
  // The ranks are those that the lens finds.
  await workbench.storeWeights('int8');
  const ranks = (await look()).selections[0]?.spectra.map(({ energyRanks }) => energyRanks);
  expect(states?.ranks.map(({ share }) => share)).toEqual([0.8, 0.9, 0.95, 0.99]);
  for (const [i, { int8 }] of states?.ranks.entries() ?? [])
    expect(int8).toEqual(ranks?.map((layer) => layer[i]));
});

it('keeps what does not fit as float32 in 8 bits, and says so; on WebGPU only where asked', () => {
  const config = parseModelConfig({
    ...{ model_type: 'llama', hidden_size: 2048, intermediate_size: 8192, num_hidden_layers: 16 },
    ...{ num_attention_heads: 32, num_key_value_heads: 8, vocab_size: 128256, rms_norm_eps: 1e-5 },
    ...{ rope_theta: 500000, tie_word_embeddings: true, max_position_embeddings: 131072 },
  });
  const model = { config, report: { name: 'large', notes: ['one'] } };
  const opened = { model } as unknown as OpenedModel;
  const stored = usuallyStored(opened, 'wasm').model;
  expect(stored.config.storage).toBe('int8');
  expect(stored.report).toMatchObject({
    storage: 'int8',
    notes: ['one', expect.stringMatching(/in 8 bits: as float32, .* would take 4\.\d GB of the 4\.0 GB/)],
  });
  // Results name it, but not where weights are float32.
  const sourceOf = (model: OpenedModel) =>
    resolveSubject({ kind: 'opened' }, { opened: model, checkpoints: new Map() }).source;
  const onGpu = usuallyStored(opened, 'webgpu');
  expect([sourceOf(storedAs(opened, 'int8')), sourceOf(onGpu)]).toEqual([
    'large, matrices in 8 bits',
    'large',
  ]);
  expect(onGpu.model.report.storage).toBe('f32');
  const onnx = { model: { ...model, onnx: {} } } as unknown as OpenedModel;
  expect(() => storedAs(onnx, 'int8')).toThrow('an ONNX export is run with the weights that it holds');
  expect(usuallyStored(onnx, 'wasm')).toBe(onnx);
});
