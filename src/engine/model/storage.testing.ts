import { describe, expect, it } from 'vitest';
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
import type { Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { randomWeights, relativeError, TINY_CONFIG, TINY_GPT2, TINY_QWEN3 } from '../train/tiny.testing';
import { ModelOnDevice } from './model-on-device';

/** Rows of several blocks, whole ones and, of the MLP's, a shorter last one; and matrices large enough to be external. */
export const SIZES = { hiddenSize: 64, intermediateSize: 104, headDim: 16 } as const;
const FAMILIES: readonly [string, DecoderConfig][] = [
  ['llama', { ...TINY_CONFIG, ...SIZES }],
  ['llama, matrices smaller than a block', TINY_CONFIG],
  ['Qwen3, in bf16', { ...TINY_QWEN3, ...SIZES }],
  ['GPT-2', { ...TINY_GPT2, ...SIZES }],
];

const IDS = [3, 17, 20, 4, 5, 22, 7, 9, 9, 10];

async function statesOf(runtime: Runtime, config: DecoderConfig, weights: Weights): Promise<Float32Array> {
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

/** What programs over matrices in 8 bits compute, on the runtime that `runtimeOf` gives once tests run. */
export function describeStorage(provider: string, runtimeOf: () => Runtime): void {
  describe.each(FAMILIES)(`matrices of %s in 8 bits on ${provider}`, (name, config) => {
    const random = randomWeights(config, new Rng(3));
    const weights = name.endsWith('bf16') ? mapWeights(random, (host) => inHalves(host, 'bf16')) : random;

    it('give the hidden states of their dequantised values', async () => {
      const states = await statesOf(runtimeOf(), { ...config, storage: 'int8' }, weights);
      // The same products in another order of additions.
      expect(relativeError(states, await statesOf(runtimeOf(), config, kept(weights)))).toBeLessThan(1e-5);
      // They are not those of the weights as they were.
      const exact = relativeError(states, await statesOf(runtimeOf(), config, weights));
      expect(exact).toBeGreaterThan(3e-4);
      expect(exact).toBeLessThan(5e-2);
    });
  });
}
