import { expect, it } from 'vitest';
import { Rng } from '../base/rng';
import { DIRECT } from '../decode/reasoning';
import { statesProgram } from '../decode/states';
import { webgpuProvider } from '../testing/providers.testing';
import { randomWeights, TINY_CONFIG } from '../train/tiny.testing';
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
