import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../base/rng';
import { DIRECT } from '../decode/reasoning';
import { statesProgram } from '../decode/states';
import type { DecoderConfig } from '../nn/config';
import { emit } from '../onnx/emit';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { randomWeights, TINY_CONFIG } from '../train/tiny.testing';
import { ModelOnDevice } from './model-on-device';
import { describeStorage, SIZES } from './storage.testing';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

describeStorage('WASM', () => runtime);

describe('programs over matrices in 8 bits', () => {
  const config: DecoderConfig = { ...TINY_CONFIG, ...SIZES, hiddenSize: 256, intermediateSize: 512 };
  const weights = randomWeights(config, new Rng(5));
  const program = statesProgram({
    ...{ config, batch: 1, question: 0, reasoning: DIRECT, rest: 3 },
  });

  it('are smaller, and others than those over float32', async () => {
    const [f32, int8] = (['f32', 'int8'] as const).map(
      (storage) => new ModelOnDevice(runtime, { ...config, ...(storage === 'int8' && { storage }) }, weights),
    ) as [ModelOnDevice, ModelOnDevice];
    const [plain, blocks] = [await f32.compile(program), await int8.compile(program)];
    expect(blocks.executable).not.toBe(plain.executable);
    // 9 bits for 32, and the embedding as it is.
    const ratio = blocks.executable.bytes / plain.executable.bytes;
    expect(ratio).toBeGreaterThan(9 / 32);
    expect(ratio).toBeLessThan(0.32);
    await f32.release();
    await int8.release();
  });

  it('make a float32 matrix once for every product, and not before its other operand is there', () => {
    const bake = (input: string) => {
      const [, layer, name] = /^w\.(\d+)\.(.+)$/.exec(input) ?? [];
      const host = layer && weights.layers[Number(layer)]?.[name as 'o'];
      return host && host.shape.length === 2
        ? { ...host, storage: 'int8' as const, read: () => host }
        : undefined;
    };
    const text = new TextDecoder('latin1').decode(emit(program, { provider: 'wasm', bake }));
    const count = (op: string): number => text.split(op).length - 1;
    // Four groups of linears in each of two layers. Without the Wheres, ONNX Runtime makes all eight matrices at once.
    expect([count('DequantizeLinear'), count('Where')]).toEqual([8, 8]);
  });

  it('cannot be mistaken for one another, whatever their weights are called', async () => {
    const late = (storage?: 'int8') => (input: string) => {
      const match = /^w\.(\d+)\.(.+)$/.exec(input);
      const host = match && weights.layers[Number(match[1])]?.[match[2] as 'o'];
      if (!host) return undefined;
      return { ...host, ...(host.shape.length === 2 && { storage }), read: () => host };
    };
    const one = await runtime.compile(program, { bake: late(), weights: 'same' });
    const other = await runtime.compile(program, { bake: late('int8'), weights: 'same' });
    expect(other).not.toBe(one);
    await one.dispose();
    await other.dispose();
  });
});
