import { describe, expect, it } from 'vitest';
import type { HostTensor } from '../base/dtype';
import { boundBits, formOf, type KeptAs, type KeptForm, keptFloats } from '../base/kept';
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
import { ModelOnDevice, type ModelOptions } from './model-on-device';

/** Rows of several whole blocks, with a shorter last one in the MLP's; and matrices large enough to be external. */
export const SIZES = { hiddenSize: 64, intermediateSize: 104, headDim: 16 } as const;
const FAMILIES: readonly [string, DecoderConfig][] = [
  ['llama', { ...TINY_CONFIG, ...SIZES }],
  ['llama, matrices smaller than a block', TINY_CONFIG],
  ['Qwen3, in bf16', { ...TINY_QWEN3, ...SIZES }],
  ['GPT-2', { ...TINY_GPT2, ...SIZES }],
];

const IDS = [3, 17, 20, 4, 5, 22, 7, 9, 9, 10];

export async function statesOf(
  runtime: Runtime,
  config: DecoderConfig,
  weights: Weights,
  options: ModelOptions = {},
): Promise<Float32Array> {
  const own = new Owned();
  const model = own.add(new ModelOnDevice(runtime, config, weights, options));
  const shape = { config: model.config, batch: 2, question: 0, reasoning: DIRECT, rest: 5 };
  const program = await model.compile(statesProgram(shape));
  own.add(program);
  const rest = own.add(runtime.upload({ dtype: 'i32', shape: [2, 5], data: Int32Array.from(IDS) }));
  const { states } = await program.run({ rest });
  const values = (await own.add(states as DeviceTensor).read()) as Float32Array;
  await own.dispose();
  return values;
}

/** The layers' matrices after such a storage; all other weights as they are. */
const kept = ({ outer, layers }: Weights, form: KeptForm): Weights => ({
  outer,
  layers: mapWeights({ outer: {}, layers }, (host): HostTensor => {
    const { shape } = host;
    if (shape.length !== 2) return host;
    return { dtype: 'f32', shape, data: keptFloats(host, form, 'w') };
  }).layers,
});

/** Bounds, from and to, for the distance of hidden states from those of the original weights. */
const CHANGED: Readonly<Record<KeptAs, readonly [number, number]>> = {
  half: [1e-6, 2e-2],
  int8: [3e-4, 5e-2],
  int4: [3e-3, 0.5],
};

const STORAGES = ['int4', 'int8', 'half'] as const satisfies readonly KeptAs[];

/**
 * Tests programs over matrices in fewer bits, on the runtime that `runtimeOf` returns once tests run. On
 * WebGPU, where compiling is slow, each family is tested with only one storage.
 */
export function describeStorage(provider: Runtime['provider'], runtimeOf: () => Runtime): void {
  describe.each(FAMILIES)(`matrices of %s on ${provider}`, (name, config) => {
    const at = FAMILIES.findIndex(([other]) => other === name);
    const random = randomWeights(config, new Rng(3));
    const inBf16 = name.endsWith('bf16');
    const weights = inBf16 ? mapWeights(random, (host) => inHalves(host, 'bf16')) : random;

    it.each(provider === 'wasm' ? STORAGES : [STORAGES[at % 3] as KeptAs])(
      'stored as %s give the hidden states of the rounded weights',
      async (storage) => {
        const stored = { ...config, storage };
        const states = await statesOf(runtimeOf(), stored, weights);
        // The same products in another order of additions.
        const own = await statesOf(runtimeOf(), config, kept(weights, formOf(storage, provider)));
        expect(relativeError(states, own)).toBeLessThan(1e-5);
        // Bound in pieces of a few rows, the last of which is shorter.
        const bound = await statesOf(runtimeOf(), config, kept(weights, boundBits(storage)));
        const inPieces = await statesOf(runtimeOf(), stored, weights, {
          bind: true,
          maxMatrixBytes: 4 * 64 * 24,
        });
        expect(relativeError(inPieces, bound)).toBeLessThan(1e-5);
        const exact = relativeError(states, await statesOf(runtimeOf(), config, weights));
        // float16 loses only the smallest values of bfloat16.
        if (storage === 'half' && inBf16 && provider === 'wasm') return expect(exact).toBeLessThan(2e-6);
        // Otherwise they differ from those of the original weights.
        expect(exact).toBeGreaterThan(CHANGED[storage][0]);
        expect(exact).toBeLessThan(CHANGED[storage][1]);
      },
    );
  });
}
