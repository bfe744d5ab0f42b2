import { expect, it } from 'vitest';
import { Rng } from '../base/rng';
import { DIRECT } from '../decode/reasoning';
import { statesProgram } from '../decode/states';
import { emit } from '../onnx/emit';
import { loadOrt } from '../runtime/ort';
import { webgpuProvider } from '../testing/providers.testing';
import { randomWeights, TINY_CONFIG } from '../train/tiny.testing';
import { ModelOnDevice } from './model-on-device';
import { describeStorage, SIZES } from './storage.testing';

const provider = webgpuProvider();

describeStorage('webgpu', () => provider.gpu);

const STORAGES = ['half', 'int8', 'int4'] as const;

it.each(STORAGES)(
  'the matrices of the layers are in the programs, and all other weights are bound as float32, once: %s',
  async (storage) => {
    const config = { ...TINY_CONFIG, ...SIZES, storage };
    const model = new ModelOnDevice(provider.gpu, config, randomWeights(config, new Rng(5)));
    const shape = { config: model.config, batch: 1, question: 0, reasoning: DIRECT };
    const one = await model.compile(statesProgram({ ...shape, rest: 3 }));
    const uploaded = model.traffic.uploads;
    const bound = [...one.executable.inputs.keys()].filter((name) => name.startsWith('w.'));
    expect(bound.filter((name) => /^w\.\d+\.(qkv|q|o|gateUp|gate|down)$/.test(name))).toEqual([]);
    expect(bound).toContain('w.embedding');
    expect(uploaded).toBe(bound.length);
    await model.compile(statesProgram({ ...shape, rest: 4 }));
    expect([model.traffic.uploads, model.traffic.bakes]).toEqual([uploaded, 2]);
    await model.release();
  },
);

it.each(STORAGES)(
  '%s runs wholly on the GPU: ONNX Runtime leaves no node of it to the CPU',
  async (storage) => {
    // Small enough to be in one file.
    const config = TINY_CONFIG;
    const weights = randomWeights(config, new Rng(5));
    const program = statesProgram({ config, batch: 1, question: 0, reasoning: DIRECT, rest: 3 });
    const bake = (input: string) => {
      const match = /^w\.(\d+)\.(.+)$/.exec(input);
      const host = match && weights.layers[Number(match[1])]?.[match[2] as 'o'];
      if (host?.shape.length !== 2) return undefined;
      return { ...host, storage, read: () => host };
    };
    const bytes = emit(program, { provider: 'webgpu', bake });
    const { ort } = await loadOrt(undefined);
    const session = await ort.InferenceSession.create(bytes, {
      executionProviders: ['webgpu'],
      graphOptimizationLevel: 'basic',
      extra: { session: { disable_cpu_ep_fallback: '1' } },
    });
    await session.release();
  },
);
