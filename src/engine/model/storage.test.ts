import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { multipleBytes } from '../base/blocks';
import { TooLargeError } from '../base/errors';
import { boundBits, type KeptAs, keptFloats } from '../base/kept';
import { Rng } from '../base/rng';
import { DIRECT } from '../decode/reasoning';
import { statesProgram } from '../decode/states';
import type { DecoderConfig } from '../nn/config';
import { memorySource } from '../nn/weight-source';
import { mapWeights } from '../nn/weights.testing';
import { type EmitOptions, emit } from '../onnx/emit';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { randomWeights, TINY_CONFIG, TINY_GPT2 } from '../train/tiny.testing';
import { DeviceWeights } from './device-weights';
import { ModelOnDevice } from './model-on-device';
import { describeStorage, SIZES } from './storage.testing';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

describeStorage('wasm', () => runtime);

/** Bits per value of a matrix, with its share of a scale. */
const BITS = { half: 16, int8: 9, int4: 5 } as const;
const STORAGES = ['half', 'int8', 'int4'] as const;

describe('programs over matrices in fewer bits', () => {
  const config: DecoderConfig = { ...TINY_CONFIG, ...SIZES, hiddenSize: 256, intermediateSize: 512 };
  const weights = randomWeights(config, new Rng(5));
  const program = statesProgram({
    ...{ config, batch: 1, question: 0, reasoning: DIRECT, rest: 3 },
  });
  const late = (storage?: KeptAs) => (input: string) => {
    const match = /^w\.(\d+)\.(.+)$/.exec(input);
    const host = match && weights.layers[Number(match[1])]?.[match[2] as 'o'];
    if (!host) return undefined;
    return { ...host, ...(host.shape.length === 2 && { storage }), read: () => host };
  };

  it('are smaller than those over float32, and distinct from them', async () => {
    const bytes = async (more: Partial<DecoderConfig>): Promise<number> => {
      const model = new ModelOnDevice(runtime, { ...config, ...more }, weights);
      const { executable } = await model.compile(program);
      await model.release();
      return executable.bytes;
    };
    const plain = await bytes({});
    for (const storage of STORAGES) {
      const ratio = (await bytes({ storage })) / plain;
      // The embedding stays as it is.
      expect(ratio).toBeGreaterThan(BITS[storage] / 32);
      expect(ratio).toBeLessThan(BITS[storage] / 32 + 0.04);
    }
  });

  it.each([
    ['wasm', 'half', 'Cast'],
    ['wasm', 'int4', 'DequantizeLinear'],
    ['webgpu', 'half', 'Add'],
    ['webgpu', 'int8', 'DequantizeLinear'],
  ] as const)(
    'make a float32 matrix once for every product, and not before its other operand is there: %s, %s',
    (provider, storage, op) => {
      const count = (bake: NonNullable<EmitOptions['bake']>, of: string): number =>
        new TextDecoder('latin1').decode(emit(program, { provider, bake })).split(of).length - 1;
      const more = (of: string): number => count(late(storage), of) - count(late(), of);
      // Four groups of linears in each of two layers. Without the Wheres, ONNX Runtime computes all eight
      // matrices up front; each also has a Cast of its own.
      expect([more(op), more('Where')]).toEqual([op === 'Cast' ? 16 : 8, 8]);
    },
  );

  it('cannot be mistaken for one another, whatever the names of their weights', async () => {
    const all = [undefined, ...STORAGES].map((storage) =>
      runtime.compile(program, { bake: late(storage), weights: 'same' }),
    );
    const made = await Promise.all(all);
    expect(new Set(made).size).toBe(4);
    for (const one of made) await one.dispose();
  });

  it('are refused by name if float16 cannot hold a value', async () => {
    const large = mapWeights(weights, (host) => {
      if (host.shape.length !== 2 || host.dtype !== 'f32') return host;
      const data = Float32Array.from(host.data as Float32Array);
      data[7] = -7e4;
      return { ...host, data };
    });
    const model = new ModelOnDevice(runtime, { ...config, storage: 'half' }, large);
    await expect(model.compile(program)).rejects.toMatchObject({
      code: 'numeric',
      message: expect.stringMatching(/^weight w\.\d\.\w+ has the value -70000, and float16 ends at 65504$/),
    });
    await model.release();
  });
});

it.each(STORAGES)(
  'a matrix bound as %s has the stored values, however few rows are computed at a time',
  async (storage) => {
    // 100 rows of 64, and 64 of 50: the last rows are fewer than the others, the last blocks shorter.
    const config: DecoderConfig = { ...TINY_CONFIG, ...SIZES, intermediateSize: 50, storage };
    const source = memorySource(randomWeights(config, new Rng(8)));
    const bits = boundBits(storage);
    const all = new DeviceWeights(runtime, config, source);
    const few = new DeviceWeights(runtime, config, source, undefined, 1);
    for (const name of ['w.0.gateUp', 'w.1.down']) {
      const names = (bits === 16 ? ['high', 'low', 'scales'] : ['multiples', 'scales']).map(
        (x) => `${name} ${x}`,
      );
      const parts = names.map((part) => few.tensor(part)?.data as Float32Array);
      expect(parts).toEqual(names.map((part) => all.tensor(part)?.data));
      const host = source.read(name);
      const [rows, columns] = host.shape as [number, number];
      expect(parts[0]?.length).toBe(bits === 16 ? rows * columns : multipleBytes(rows * columns, bits));
      const [first, second] = parts as [Float32Array, Float32Array];
      const multiple = (i: number): number => {
        if (bits === 16) return 256 * ((first[i] as number) - 128) + (second[i] as number) - 128;
        if (bits === 8) return (first[i] as number) - 128;
        return (((first[i >> 1] as number) >> (4 * (i % 2))) << 28) >> 28;
      };
      const scales = parts.at(-1) as Float32Array;
      const scale = (i: number): number =>
        scales[Math.floor(i / columns) * Math.ceil(columns / 32) + ((i % columns) >> 5)] as number;
      const values = Float32Array.from(host.data, (_, i) => multiple(i) * scale(i));
      expect(values).toEqual(keptFloats(host, bits, name));
    }
    await Promise.all([all.dispose(), few.dispose()]);
  },
);

it('refuses learned positions that the device cannot bind: only the layers’ matrices and the vocabulary are bound in pieces', () => {
  const config: DecoderConfig = { ...TINY_GPT2, ...SIZES };
  const source = memorySource(randomWeights(config, new Rng(8)));
  const small = { ...runtime, maxTensorBytes: 4 * 64 * 16 } as Runtime;
  const made = new DeviceWeights(small, config, source);
  expect(() => made.tensor('w.positions')).toThrow(TooLargeError);
  expect(() => made.tensor('w.positions')).toThrow(
    'w.positions takes 8192 bytes as float32; this device can bind 4096',
  );
});
