import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Owned } from '../base/owned';
import { Rng } from '../base/rng';
import { leftPad } from '../data/batch';
import { ModelOnDevice, type ModelOptions } from '../model/model-on-device';
import type { DecoderConfig } from '../nn/config';
import { createRuntime, type Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { randomWeights, TINY_CONFIG, TINY_GPT2, TINY_QWEN, TINY_QWEN3 } from '../train/tiny.testing';
import { DIRECT, type Reasoning } from './reasoning';
import { thinking } from './reasoning.testing';
import { columnsOf, layersRun, STATES_INPUTS, statesProgram } from './states';

const L = 4;
const ALL = Array.from({ length: L + 1 }, (_, l) => l);
const B = 2;
const R = 4;
const QUESTIONS = [
  [3, 17, 5, 9],
  [2, 8],
];
const REST = [7, 19, 1, 0, 12, 12, 6, 4];
const TOKENS: Reasoning = { adapters: [], stages: [{ kind: 'tokens', ids: [4, 11] }] };

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

interface Pass {
  readonly question: number;
  readonly reasoning: Reasoning;
}
const PASSES: readonly [string, Pass][] = [
  ['a text', { question: 0, reasoning: DIRECT }],
  ['a question, tokens and an answer', { question: 4, reasoning: TOKENS }],
  ['a question, latents and an answer', { question: 4, reasoning: thinking(2, { kind: 'hidden' }, []) }],
];

/** States [B, columns, P, H] at the layers, and bytes of weights that were read for them. */
async function read(
  config: DecoderConfig,
  pass: Pass,
  layers: readonly number[] | undefined,
  options: ModelOptions,
) {
  const own = new Owned();
  try {
    const model = own.add(new ModelOnDevice(runtime, config, randomWeights(config, new Rng(4)), options));
    const shape = { config: model.config, batch: B, rest: R, ...pass, layers };
    const program = own.add(await model.compile(statesProgram(shape)));
    const { ids, keyMask } = leftPad(QUESTIONS, 4, 0);
    const hosts = {
      [STATES_INPUTS.question]: ids,
      [STATES_INPUTS.keyMask]: keyMask,
      [STATES_INPUTS.rest]: { dtype: 'i32', shape: [B, R], data: Int32Array.from(REST) },
      [STATES_INPUTS.tokens(0)]: { dtype: 'i32', shape: [B, 2], data: Int32Array.of(4, 11, 4, 11) },
    } as const;
    const bound: Record<string, DeviceTensor> = {};
    for (const name of program.inputs.keys())
      bound[name] = own.add(runtime.upload(hosts[name as 'rest'], name));
    const { states } = await program.run(bound);
    const values = (await own.add(states as DeviceTensor).read()) as Float32Array;
    const { uploadedBytes, bakedBytes } = model.traffic;
    return { values, bytes: uploadedBytes + bakedBytes };
  } finally {
    await own.dispose();
  }
}

/** Of states at all layers from 0 on, those at some. */
function at(values: Float32Array, layers: readonly number[], { hiddenSize: H }: DecoderConfig): Float32Array {
  const positions = values.length / (ALL.length * H);
  return Float32Array.from({ length: positions * layers.length * H }, (_, i) => {
    const [position, p, h] = [Math.floor(i / (layers.length * H)), Math.floor(i / H) % layers.length, i % H];
    return values[(position * ALL.length + (layers[p] as number)) * H + h] as number;
  });
}

const FAMILIES: readonly [string, DecoderConfig][] = [
  ['llama', TINY_CONFIG],
  ['Qwen2', TINY_QWEN],
  ['Qwen3', TINY_QWEN3],
  ['GPT-2', TINY_GPT2],
];
const CASES: readonly [string, DecoderConfig, ModelOptions][] = [
  ...FAMILIES.flatMap(([name, config]): [string, DecoderConfig, ModelOptions][] => [
    [`${name}, baked`, config, {}],
    [`${name}, bound`, config, { bind: true }],
  ]),
  ['GPT-2, its embedding in chunks', TINY_GPT2, { maxVocabularyBytes: 400 }],
  ['llama in 8 bits', { ...TINY_CONFIG, storage: 'int8' }, {}],
];

describe('states at some layers', () => {
  it.each(CASES)('are, to the bit, those of a pass over all layers: %s', async (_, family, options) => {
    const config = { ...family, layers: L };
    for (const [name, pass] of PASSES) {
      const all = await read(config, pass, ALL, options);
      for (const layers of [[0], [1, 2], [0, 3]]) {
        const some = await read(config, pass, layers, options);
        const label = `${name}, layers ${layers}`;
        expect(some.values.length, label).toBe(
          B * columnsOf({ ...pass, rest: R }) * layers.length * config.hiddenSize,
        );
        expect(some.values, label).toEqual(at(all.values, layers, config));
        // Layers above the highest are not there, unless a latent is made of what comes out of the last.
        const run = layersRun({ config, ...pass, layers });
        expect(run, label).toBe(name.includes('latents') ? L : Math.max(...layers));
        if (run < L) expect(some.bytes, label).toBeLessThan(all.bytes * (options.bind ? (run + 1) / L : 1));
      }
      const usual = await read(config, pass, undefined, options);
      expect(usual.values, name).toEqual(at(all.values, ALL.slice(1), config));
    }
    expect(runtime.liveTensors).toBe(0);
  });
});
