import { expect, it } from 'vitest';
import type { HostTensor } from '../base/dtype';
import { keptFloats } from '../base/kept';
import { Rng } from '../base/rng';
import { logitsProgram } from '../decode/programs';
import { DIRECT } from '../decode/reasoning';
import { statesProgram } from '../decode/states';
import { webgpuProvider } from '../testing/providers.testing';
import { normals, randomWeights, TINY_CONFIG, TINY_QWEN } from '../train/tiny.testing';
import { ModelOnDevice } from './model-on-device';
import { describeStorage, SIZES } from './storage.testing';

const provider = webgpuProvider();

describeStorage('webgpu', () => provider.gpu);

it.each([
  ['half', 'u8', 2.125],
  ['int8', 'u8', 1.125],
  ['int4', 'i4', 0.625],
] as const)(
  'the matrices of the layers, kept as %s, are on the device once for all programs, as is everything else',
  async (storage, dtype, bytes) => {
    const config = { ...TINY_CONFIG, ...SIZES, storage };
    const weights = randomWeights(config, new Rng(5));
    const model = new ModelOnDevice(provider.gpu, config, weights);
    const shape = { config: model.config, batch: 1, question: 0, reasoning: DIRECT };
    const one = await model.compile(statesProgram({ ...shape, rest: 3 }));
    const { uploads, uploadedBytes } = model.traffic;
    const bound = [...one.executable.inputs].filter(([name]) => name.startsWith('w.'));
    expect(uploads).toBe(bound.length);
    const matrices = bound.filter(([name]) => /^w\.\d+\.\w+ (multiples|high|low)$/.test(name));
    expect(matrices.length).toBeGreaterThan(0);
    for (const [, binding] of matrices) expect(binding.dtype).toBe(dtype);
    // All rows but those of the MLP's last linear are whole blocks.
    const values = matrices.reduce((n, [, { shape }]) => n + shape.reduce((a, b) => a * b, 1), 0);
    const others = bound.reduce((n, [name, { shape }]) => {
      return n + (name.includes(' ') ? 0 : 4 * shape.reduce((a, b) => a * b, 1));
    }, 0);
    const each = (uploadedBytes - others) / (values / (storage === 'half' ? 2 : 1));
    expect(each).toBeGreaterThan(bytes - 1e-9);
    expect(each).toBeLessThan(bytes + 0.02);
    await model.compile(statesProgram({ ...shape, rest: 4 }));
    expect([model.traffic.uploads, model.traffic.bakes]).toEqual([uploads, 0]);
    await model.release();
  },
);

it('stores a large head in 16 bits by chunks, and uploads only rows of a large embedding', async () => {
  const { gpu } = provider;
  const config = { ...TINY_QWEN, ...SIZES, storage: 'int4' } as const;
  const { hiddenSize: H, vocabSize: V } = config;
  const weights = randomWeights(config, new Rng(6));
  const model = new ModelOnDevice(gpu, config, weights, { maxVocabularyBytes: 10 * 4 * H });
  const shape = { config: model.config, batch: 2, question: 0, capacity: 4 };
  const states = await model.compile(statesProgram({ ...shape, reasoning: DIRECT, rest: 3 }));
  const names = [...states.executable.inputs.keys()];
  expect(names.filter((name) => /embedding|head/.test(name))).toEqual(['embedding of rest']);
  const { uploadedBytes } = model.traffic;

  const program = await model.compile(logitsProgram(shape));
  // Two bytes for each value, and its share of a scale.
  expect(model.traffic.uploadedBytes - uploadedBytes).toBe(V * H * 2.125);
  const last = normals(new Rng(7), 2 * H);
  const bound = gpu.upload({ dtype: 'f32', shape: [2, H], data: last });
  const out = await program.run({ last: bound });
  const chunks = await Promise.all(Object.values(out).map((tensor) => tensor.read()));
  expect(chunks.length).toBe(3);
  const head = weights.outer.head as HostTensor;
  const kept = keptFloats(head, 16, 'head');
  const product = (table: ArrayLike<number>, b: number, v: number): number =>
    last.subarray(b * H, (b + 1) * H).reduce((sum, x, i) => sum + x * (table[v * H + i] as number), 0);
  let changed = 0;
  for (const b of [0, 1]) {
    const logits = chunks.flatMap((chunk) => {
      const width = chunk.length / 2;
      return Array.from(chunk.subarray(b * width, (b + 1) * width) as Float32Array);
    });
    logits.forEach((logit, v) => {
      // The same products in another order of additions.
      expect(logit).toBeCloseTo(product(kept, b, v), 5);
      changed = Math.max(changed, Math.abs(product(kept, b, v) - product(head.data, b, v)));
    });
    expect(logits.length).toBe(V);
  }
  expect(changed).toBeGreaterThan(1e-7);
  for (const tensor of [bound, ...Object.values(out)]) tensor.dispose();
  await model.release();
});
