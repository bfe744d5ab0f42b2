import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { throughBlocks } from '../base/blocks';
import type { HostTensor } from '../base/dtype';
import { floatsOf } from '../base/half';
import { Owned } from '../base/owned';
import { Rng } from '../base/rng';
import { DIRECT } from '../decode/reasoning';
import { statesProgram } from '../decode/states';
import type { DecoderConfig } from '../nn/config';
import type { Weights } from '../nn/weights';
import { inHalves, mapWeights } from '../nn/weights.testing';
import { emit } from '../onnx/emit';
import { createRuntime, type Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { randomWeights, relativeError, TINY_CONFIG, TINY_GPT2, TINY_QWEN3 } from '../train/tiny.testing';
import { ModelOnDevice } from './model-on-device';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

/** Rows of several blocks, whole ones and, of the MLP's, a shorter last one; and matrices large enough to be external. */
const SIZES = { hiddenSize: 64, intermediateSize: 104, headDim: 16 } as const;
const FAMILIES: readonly [string, DecoderConfig][] = [
  ['llama', { ...TINY_CONFIG, ...SIZES }],
  ['llama, matrices smaller than a block', TINY_CONFIG],
  ['Qwen3, in bf16', { ...TINY_QWEN3, ...SIZES }],
  ['GPT-2', { ...TINY_GPT2, ...SIZES }],
];

const IDS = [3, 17, 20, 4, 5, 22, 7, 9, 9, 10];

async function statesOf(config: DecoderConfig, weights: Weights): Promise<Float32Array> {
  const own = new Owned();
  const model = own.add(new ModelOnDevice(runtime, config, weights));
  const shape = { config: model.config, batch: 2, question: 0, reasoning: DIRECT, rest: 5 };
  const program = await model.compile(statesProgram(shape));
  own.add(program);
  const rest = own.add(runtime.upload({ dtype: 'i32', shape: [2, 5], data: Int32Array.from(IDS) }));
  const { states } = await program.run({ rest });
  const values = (await own.add(states as DeviceTensor).read()) as Float32Array;
  await own.dispose();
  return values;
}

/** What the layers' matrices are once they have been kept in 8 bits; all other weights as they are. */
const kept = ({ outer, layers }: Weights): Weights => ({
  outer,
  layers: mapWeights({ outer: {}, layers }, (host): HostTensor => {
    if (host.shape.length !== 2) return host;
    return { dtype: 'f32', shape: host.shape, data: throughBlocks(floatsOf(host), host.shape[1] as number) };
  }).layers,
});

describe.each(FAMILIES)('matrices of %s in 8 bits', (name, config) => {
  const random = randomWeights(config, new Rng(3));
  const weights = name.endsWith('bf16') ? mapWeights(random, (host) => inHalves(host, 'bf16')) : random;

  it('give the hidden states of their dequantised values', async () => {
    const states = await statesOf({ ...config, storage: 'int8' }, weights);
    // The same products in another order of additions.
    expect(relativeError(states, await statesOf(config, kept(weights)))).toBeLessThan(1e-5);
    // They are not those of the weights as they were.
    const exact = relativeError(states, await statesOf(config, weights));
    expect(exact).toBeGreaterThan(3e-4);
    expect(exact).toBeLessThan(5e-2);
  });
});

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
