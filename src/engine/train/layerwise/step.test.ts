import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelOnDevice } from '../../model/model-on-device';
import { inHalves, mapWeights, widenedWeights } from '../../nn/weights.testing';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import type { DeviceTensor } from '../../runtime/tensor';
import { compileWhole } from '../compile-whole';
import type { TapeOutput, TapeRun } from '../step';
import { Tape } from '../tape/tape';
import {
  made,
  relativeError,
  TINY_CONFIG,
  TINY_GPT2,
  TINY_LAYOUT,
  TINY_QWEN,
  TINY_QWEN3,
  type TinyOptions,
  type TinyStep,
  tinyStep,
} from '../tiny.testing';
import { compileLayerwise } from './compile';
import type { LayerwiseOptions } from './compiled';

/** f32 with sums in another order; measured at most 3e-6. */
const TOLERANCE = 1e-5;

const CASES: Record<string, TinyOptions> = {
  'lori with the explicit pass': {},
  'lori with the hidden state fed back': { filter: 'hidden' },
  'lori without the explicit pass, one latent step': { explicit: false, latentSteps: 1 },
  'lori with factors of each sample': { perSample: true, seed: 9 },
  'codi (anchor only)': { losses: 'codi', seed: 6 },
  'cross entropy only': { losses: 'ce', explicit: false },
  'no latents, no explicit pass': { losses: 'ce', latentSteps: 0, explicit: false },
  'no latents, explicit pass': { losses: 'codi', latentSteps: 0 },
  'biases, a head of its own, adapters on some': { config: TINY_QWEN, targets: ['q', 'v', 'down'], seed: 7 },
  'norms of queries and keys, scaled RoPE': { config: TINY_QWEN3, seed: 8 },
  'LayerNorm, GELU, learned positions': { config: TINY_GPT2, seed: 10 },
  'learned positions, codi, hidden state fed back': { config: TINY_GPT2, losses: 'codi', filter: 'hidden' },
  'one layer, one sample': {
    config: { ...TINY_CONFIG, layers: 1 },
    layout: { ...TINY_LAYOUT, batch: 1, prompt: 1, answer: 1 },
    losses: 'codi',
  },
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

const whole = (tiny: TinyStep) => made(tiny, runtime, (model, tape) => compileWhole(model, tape, 'step'));
const layerwise = (tiny: TinyStep, options: LayerwiseOptions = {}) =>
  made(tiny, runtime, (model, tape) => compileLayerwise(model, tape, options));

async function outputOf(
  step: TapeRun,
  tiny: TinyStep,
  runs = 1,
): Promise<{ terms: readonly number[]; gradients: Float32Array[] }> {
  const packs = tiny.packs.map((data) => runtime.upload({ dtype: 'f32', shape: [data.length], data }));
  for (let i = 1; i < runs; i++) await step.run(tiny.feeds, packs);
  const out = await step.run(tiny.feeds, packs);
  const terms = [...((await (out.terms as DeviceTensor).read()) as Float32Array)];
  const gradients = out.gradients.map((g) => (g.data as Float32Array).slice());
  for (const pack of packs) pack.dispose();
  return { terms, gradients };
}

describe('a layerwise step agrees with a whole one', () => {
  for (const [name, options] of Object.entries(CASES))
    it(name, async () => {
      const tiny = tinyStep(options);
      const one = await whole(tiny);
      const expected = await outputOf(one, tiny);
      await one.dispose();
      for (const losses of ['traced', 'kernels'] as const) {
        const step = await layerwise(tiny, { losses });
        expect(step.terms).toEqual(one.terms);
        const actual = await outputOf(step, tiny, 2);
        const errors = [
          ...expected.terms.map((term, i) => Math.abs((actual.terms[i] as number) - term) / Math.abs(term)),
          ...expected.gradients.map((g, i) => relativeError(actual.gradients[i] as Float32Array, g)),
        ];
        if (process.env.SHOW)
          console.log(
            name,
            losses,
            Math.max(...errors).toExponential(1),
            step.programs,
            step.nodes,
            one.nodes,
          );
        expect(expected.gradients.every((g) => g.some((x) => Math.abs(x) > 1e-6))).toBe(true);
        expect(Math.max(...errors)).toBeLessThan(TOLERANCE);
        await step.dispose();
      }
    });
});

describe.each(['f16', 'bf16'] as const)('a step with weights stored in %s', (dtype) => {
  const forms = { 'one program': whole, 'small programs': layerwise };
  it.each(Object.entries(forms))(
    'equals the step with the same weights in f32, to the bit: %s',
    async (_form, compile) => {
      const tiny = tinyStep({ config: TINY_QWEN, latentSteps: 2, explicit: false });
      const half = mapWeights(tiny.weights, (host) => inHalves(host, dtype));
      const found = [];
      for (const weights of [half, widenedWeights(half), tiny.weights]) {
        const step = await compile({ ...tiny, model: (on) => new ModelOnDevice(on, tiny.config, weights) });
        found.push(await outputOf(step, tiny));
        await step.dispose();
      }
      expect(found[0]).toEqual(found[1]);
      expect(found[2]).not.toEqual(found[1]);
      expect(found[0]?.terms.every(Number.isFinite)).toBe(true);
      expect(runtime.liveTensors).toBe(0);
    },
  );
});

describe('a layerwise step', () => {
  it.each([
    ['rotary positions', TINY_CONFIG, 24],
    ['learned positions', TINY_GPT2, 29],
  ] as const)(
    'has the same number of programs whatever the numbers of layers and latent steps: %s',
    async (_what, config, programs) => {
      const counts = new Set<number>();
      for (const layers of [2, 5])
        for (const latentSteps of [2, 6]) {
          const tiny = tinyStep({ config: { ...config, layers }, latentSteps });
          const step = await layerwise(tiny);
          counts.add(step.programs);
          // The runtime's count agrees: nothing else is alive.
          expect(runtime.programCount).toBe(step.programs);
          await step.dispose();
        }
      expect([...counts]).toEqual([programs]);
    },
  );

  it('repeats its numbers, creates no new tensors and reads nothing back', async () => {
    const tiny = tinyStep();
    const before = runtime.liveTensors;
    const packs = tiny.packs.map((data) => runtime.upload({ dtype: 'f32', shape: [data.length], data }));
    const step = await layerwise(tiny);
    const first = await step.run(tiny.feeds, packs);
    const gradients = first.gradients.map((g) => g.data.slice());
    const terms = (first.terms as DeviceTensor).data.slice();
    const [live, reads] = [runtime.liveTensors, runtime.readCount];
    let last: TapeOutput = first;
    for (let i = 0; i < 20; i++) last = await step.run(tiny.feeds, packs);
    expect(runtime.liveTensors).toBe(live);
    expect(runtime.readCount - reads).toBe(0);
    expect((last.terms as DeviceTensor).data).toEqual(terms);
    expect(last.gradients.map((g) => g.data)).toEqual(gradients);
    await step.dispose();
    for (const pack of packs) pack.dispose();
    expect(runtime.liveTensors).toBe(before);
    expect(runtime.programCount).toBe(0);
  });

  it('outputs the same states as the whole program', async () => {
    const tiny = tinyStep({ losses: 'ce', explicit: false, latentSteps: 1 });
    const outputs = [];
    for (const compile of [whole, layerwise]) {
      const step = await compile({
        ...tiny,
        tape: (config = tiny.config) => {
          const tape = tiny.tape(config);
          const segments = tape.entries.filter((entry) => entry.kind === 'segment');
          segments.forEach((segment, i) => {
            tape.output(`last ${i}`, segment.last);
            tape.output(`states ${i}`, segment.states);
          });
          return tape;
        },
      });
      const packs = tiny.packs.map((data) => runtime.upload({ dtype: 'f32', shape: [data.length], data }));
      const { outputs: given } = await step.run(tiny.feeds, packs);
      outputs.push(
        Object.entries(given).map(([name, { data }]) => ({ name, data: data.slice() as Float32Array })),
      );
      for (const pack of packs) pack.dispose();
      await step.dispose();
    }
    const [expected, actual] = outputs as [(typeof outputs)[0], (typeof outputs)[0]];
    expect(actual.map(({ name }) => name).sort()).toEqual(expected.map(({ name }) => name).sort());
    expect(actual.length).toBe(6);
    for (const { name, data } of expected) {
      const own = actual.find((other) => other.name === name)?.data as Float32Array;
      expect(relativeError(own, data), name).toBeLessThan(TOLERANCE);
    }
  });

  it('refuses a step without a loss', async () => {
    const tiny = tinyStep({ losses: 'ce', explicit: false });
    const nothing: TinyStep = {
      ...tiny,
      tape: (config = tiny.config) => new Tape(tiny.tape(config).parameters, tiny.layout.batch),
    };
    await expect(whole(nothing)).rejects.toThrow('there is no loss: every weight is 0');
    await expect(layerwise(nothing)).rejects.toThrow('there is no loss: every weight is 0');
  });
});
