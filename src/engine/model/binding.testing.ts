import { describe, expect, it } from 'vitest';
import { Rng } from '../base/rng';
import { HIDDEN } from '../base/tokens';
import { Decoder, type DecoderInput } from '../decode/decoder';
import { greedy } from '../decode/greedy';
import { hiddenOf, logitsOf } from '../decode/readout';
import type { Device } from '../device/device';
import type { DecoderConfig } from '../nn/config';
import type { Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { compileLayerwise } from '../train/layerwise/compile';
import {
  made,
  normals,
  randomWeights,
  relativeError,
  TINY_CONFIG,
  TINY_GPT2,
  TINY_QWEN3,
  tinyStep,
} from '../train/tiny.testing';
import { ModelOnDevice } from './model-on-device';
import { SIZES, statesOf } from './storage.testing';

/** Every matrix of a layer is larger, and only learned positions just fit. */
const LIMIT = 4 * 64 * 32;
/** float32, sums of x·W in another order. */
const TOLERANCE = 1e-5;
const [B, S, T] = [2, 3, 10];
const FAMILIES: readonly [string, DecoderConfig][] = [
  ['llama', { ...TINY_CONFIG, ...SIZES }],
  ['Qwen3', { ...TINY_QWEN3, ...SIZES }],
  ['GPT-2', { ...TINY_GPT2, ...SIZES }],
];

interface On {
  readonly runtime: Runtime;
  readonly device?: Device;
}

/** Runs work on the runtime as if its device could bind no tensor of more bytes. */
async function bindingAtMost<R>(runtime: Runtime, bytes: number, work: () => Promise<R>): Promise<R> {
  Object.defineProperty(runtime, 'maxTensorBytes', { value: bytes, configurable: true });
  try {
    return await work();
  } finally {
    Reflect.deleteProperty(runtime, 'maxTensorBytes');
  }
}

/** The bound weights of the programs that it compiles: their names, and the bytes of the largest. */
async function boundBy<R>(runtime: Runtime, work: () => Promise<R>) {
  const names = new Set<string>();
  let largest = 0;
  const compile = runtime.compile.bind(runtime);
  const watched: Runtime['compile'] = async (...args) => {
    const executable = await compile(...args);
    for (const [name, { shape }] of executable.inputs) {
      if (!name.startsWith('w.')) continue;
      names.add(name);
      largest = Math.max(largest, 4 * shape.reduce((n, d) => n * d, 1));
    }
    return executable;
  };
  Object.defineProperty(runtime, 'compile', { value: watched, configurable: true });
  try {
    return { result: await work(), names, largest };
  } finally {
    Reflect.deleteProperty(runtime, 'compile');
  }
}

/** Hidden states, logits and the tokens that follow, with the rows of queries, keys and values apart in one layer. */
async function decoded(runtime: Runtime, config: DecoderConfig) {
  const model = new ModelOnDevice(runtime, config, randomWeights(config, new Rng(6)), { bind: true });
  const decoder = new Decoder(model, { config: model.config, batch: B, question: S, capacity: T });
  await model.release();
  const H = config.hiddenSize;
  const map = normals(new Rng(9), H * H, 0.9 / Math.sqrt(H));
  const apart = decoder.intervention({ site: 'k.in', layer: 1 }, map, new Float32Array(H));
  const steps: DecoderInput[] = [{ latent: { kind: 'softmax', temperature: 0.7 } }, { tokens: [3, 19] }];
  const ids = { dtype: 'i32', shape: [B, S], data: Int32Array.of(4, 9, 2, 0, 7, 11) } as const;
  const data = Float32Array.of(0, 0, 0, HIDDEN, 0, 0);
  const values: Float32Array[] = [];
  let state = await decoder.begin(ids, { dtype: 'f32', shape: [B, 1, 1, S], data }, { hidden: true });
  for (const input of steps) {
    values.push(await hiddenOf(state), await logitsOf(decoder, state));
    state = await decoder.step(state, input, { hidden: true, interventions: [apart] });
  }
  values.push(await hiddenOf(state));
  const tokens = await greedy(decoder, state, { endIds: [], limit: 4 });
  state.dispose();
  await decoder.dispose();
  return { values, tokens };
}

/** Terms and gradients of a step by layers. */
async function stepped({ runtime, device }: On, config: DecoderConfig) {
  const tiny = tinyStep({ config, latentSteps: 1, explicit: false });
  const step = await made(tiny, runtime, (model, tape) =>
    compileLayerwise(model, tape, { losses: 'traced', ...(device && { device }) }),
  );
  const packs = tiny.packs.map((data) => runtime.upload({ dtype: 'f32', shape: [data.length], data }));
  const { terms, gradients } = await step.run(tiny.feeds, packs);
  const read = (tensor: DeviceTensor | undefined) => (tensor as DeviceTensor).read() as Promise<Float32Array>;
  const values = await Promise.all([terms, ...gradients].map(read));
  for (const pack of packs) pack.dispose();
  await step.dispose();
  return values;
}

function expectNear(actual: readonly Float32Array[], expected: readonly Float32Array[], most: number): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, values] of actual.entries()) {
    expect(values.some((x) => Math.abs(x) > 1e-6)).toBe(true);
    expect(relativeError(values, expected[i] as Float32Array)).toBeLessThan(most);
  }
}

/**
 * Tests float32 matrices of layers that are larger than what can be bound, on a device which is only said to bind less,
 * against the same matrices in one piece. @param on called once tests run
 */
export function describeBinding(on: () => On, families: RegExp = /./): void {
  const chosen = FAMILIES.filter(([name]) => families.test(name));
  describe.each(chosen)('float32 matrices of %s larger than a binding', (_, config) => {
    const inPieces = <R>(work: () => Promise<R>) =>
      bindingAtMost(on().runtime, LIMIT, () => boundBy(on().runtime, work));
    const expectPieces = ({ names, largest }: { names: ReadonlySet<string>; largest: number }) => {
      expect([...names].filter((name) => / values 1$/.test(name)).length).toBeGreaterThanOrEqual(4);
      expect(largest).toBeLessThanOrEqual(LIMIT);
    };

    it('give the hidden states of whole ones', async () => {
      const { runtime } = on();
      const weights = randomWeights(config, new Rng(3));
      const states = () => statesOf(runtime, config, weights, { bind: true });
      const whole = await states();
      const found = await inPieces(states);
      expectPieces(found);
      expectNear([found.result], [whole], TOLERANCE);
    });

    it('decode the same tokens from the same states', async () => {
      const { runtime } = on();
      const whole = await decoded(runtime, config);
      const found = await inPieces(() => decoded(runtime, config));
      expectPieces(found);
      expect(found.result.tokens).toEqual(whole.tokens);
      expectNear(found.result.values, whole.values, TOLERANCE);
    });

    it('give the losses and gradients of a step by layers', async () => {
      const whole = await stepped(on(), config);
      const found = await inPieces(() => stepped(on(), config));
      expectPieces(found);
      expectNear(found.result, whole, TOLERANCE);
    });
  });
}
