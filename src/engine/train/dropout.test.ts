import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostTensor } from '../base/dtype';
import { liveNodes } from '../graph/graph';
import { interpret } from '../graph/interpret.testing';
import { loraLayout } from '../nn/lora';
import { packName } from '../nn/parameters';
import { namedWeights } from '../nn/weights';
import { createRuntime, type Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { compileWhole } from './compile-whole';
import { compileLayerwise } from './layerwise/compile';
import type { TapeRun } from './step';
import { tapeFeeds, tapeMasks } from './tape/inputs';
import { traceTape } from './tape/whole';
import { made, relativeError, TINY_QWEN, type TinyOptions, type TinyStep, tinyStep } from './tiny.testing';

/** f32 with sums in another order; measured at most 4e-7. */
const TOLERANCE = 1e-5;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

const FORMS = {
  whole: (tiny: TinyStep) => made(tiny, runtime, (model, tape) => compileWhole(model, tape, 'step')),
  layerwise: (tiny: TinyStep) => made(tiny, runtime, (model, tape) => compileLayerwise(model, tape)),
};
type Form = keyof typeof FORMS;

/** Terms and gradients of the given steps, one after another. */
async function outcomes(form: Form, tiny: TinyStep, steps: readonly number[]): Promise<Float32Array[][]> {
  const packs = tiny.packs.map((data) => runtime.upload({ dtype: 'f32', shape: [data.length], data }));
  const run: TapeRun = await FORMS[form](tiny);
  const found: Float32Array[][] = [];
  for (const step of steps) {
    const { terms, gradients } = await run.run(tiny.feeds, packs, step);
    found.push([terms as DeviceTensor, ...gradients].map(({ data }) => (data as Float32Array).slice()));
  }
  for (const pack of packs) pack.dispose();
  await run.dispose();
  return found;
}

const HALF: TinyOptions = { latentSteps: 2, dropout: 0.4, seed: 21 };

describe('LoRA dropout', () => {
  it.each([
    ['every linear, a vocabulary tied to its head', HALF],
    ['some linears, biases', { ...HALF, config: TINY_QWEN, targets: ['v', 'up', 'down'] }],
  ] as [string, TinyOptions][])('is the same in both back ends: %s', async (_name, options) => {
    const tiny = tinyStep(options);
    const [[expected], [actual]] = [
      await outcomes('whole', tiny, [3]),
      await outcomes('layerwise', tiny, [3]),
    ];
    const errors = (expected ?? []).map((x, i) => relativeError(actual?.[i] as Float32Array, x));
    if (process.env.SHOW) console.log(errors);
    expect(errors.length).toBe(1 + tiny.packs.length);
    expect(Math.max(...errors)).toBeLessThan(TOLERANCE);
  });

  it.each(Object.keys(FORMS) as Form[])(
    'repeats to the bit by seed and step, even when training resumes in the middle: %s',
    async (form) => {
      const tiny = tinyStep(HALF);
      const straight = await outcomes(form, tiny, [0, 1, 2, 3]);
      expect(await outcomes(form, tiny, [2, 3])).toEqual(straight.slice(2));
      const gradients = straight.map(([, first]) => first as Float32Array);
      for (const [i, gradient] of gradients.entries())
        for (const other of gradients.slice(i + 1))
          expect(relativeError(gradient, other)).toBeGreaterThan(0.01);
    },
  );

  it('depends on the seed', () => {
    const masksOf = (seed: number) => {
      const tape = tinyStep({ ...HALF, seed }).tape();
      return Object.values(tapeMasks(tape, 1)).map(({ data }) => data);
    };
    expect(masksOf(21)).toEqual(masksOf(21));
    expect(masksOf(21)).not.toEqual(masksOf(22));
  });

  it('masks every adapted input of every layer and segment independently, with expected value 1', () => {
    const p = 0.4;
    const layout = { batch: 16, question: 12, prompt: 3, answer: 4, explicit: 9 };
    const tape = tinyStep({ ...HALF, layout }).tape();
    const masks = Object.values(tapeMasks(tape, 0)).map(({ data }) => data as Float32Array);
    // Question, explicit pass, two latents and answer; two layers; the inputs of q/k/v, o, gate/up and down.
    expect(masks.length).toBe(5 * 2 * 4);
    const starts = new Set(masks.map((mask) => mask.subarray(0, 128).join()));
    expect(starts.size).toBe(masks.length);
    const kept = Math.fround(1 / (1 - p));
    for (const mask of masks) {
      expect([...new Set(mask)].sort()).toEqual([0, kept]);
      const mean = mask.reduce((sum, x) => sum + x, 0) / mask.length;
      // Four standard errors of the mean.
      expect(Math.abs(mean - 1)).toBeLessThan(4 * Math.sqrt(p / (1 - p) / mask.length));
    }
  });

  it('adds nothing to the programs when p is 0: same inputs, nodes and bits', async () => {
    const nodesOf = (tiny: TinyStep) => {
      const { outputs } = traceTape(tiny.tape(), 'step');
      return liveNodes(Object.values(outputs)).map(({ op, shape, name }) => ({ op, shape, name }));
    };
    const [without, zero] = [
      tinyStep({ ...HALF, dropout: undefined as never }),
      tinyStep({ ...HALF, dropout: 0 }),
    ];
    expect(nodesOf(zero)).toEqual(nodesOf(without));
    expect(nodesOf(tinyStep(HALF)).length).toBeGreaterThan(nodesOf(zero).length);
    for (const form of Object.keys(FORMS) as Form[])
      expect(await outcomes(form, zero, [0, 1])).toEqual(await outcomes(form, without, [0, 0]));
  });

  it('masks only the adapter’s input', () => {
    const tiny = tinyStep(HALF);
    const [c, dropped] = [1.25, (feature: number) => feature % 3 === 1];
    const lossOf = (step: TinyStep, packs: readonly Float32Array[], masks: Record<string, HostTensor>) => {
      const tape = step.tape();
      const { terms } = traceTape(tape, 'step').outputs;
      const feeds: Record<string, ArrayLike<number>> = {};
      const hosts = { ...namedWeights(step.weights), ...tapeFeeds(tape, step.feeds), ...masks };
      for (const [name, { data }] of Object.entries(hosts)) feeds[name] = data;
      packs.forEach((pack, i) => {
        feeds[packName('student', i)] = pack;
      });
      return interpret([terms as never], feeds)[0] as Float64Array;
    };
    const masks = Object.entries(tapeMasks(tiny.tape(), 0)).map(([name, { shape }]) => {
      const data = new Float32Array(shape.reduce((n, d) => n * d, 1));
      const width = shape[2] as number;
      return [name, { dtype: 'f32', shape, data: data.map((_, i) => (dropped(i % width) ? 0 : c)) }];
    });
    // Dropping the same features in every row means zero columns of A; the rest amounts to a larger α.
    const plain = tinyStep({ ...HALF, dropout: 0 });
    const packs = tiny.packs.map((pack) => {
      const own = pack.slice();
      for (const { factor, offset, shape } of loraLayout(tiny.config, tiny.lora).parts)
        for (let i = 0; i < shape[0] * shape[1]; i++) {
          if (factor === 'A' && dropped(i % shape[1])) own[offset + i] = 0;
          if (factor === 'B') own[offset + i] = (own[offset + i] as number) * c;
        }
      return own;
    });
    const expected = lossOf(plain, packs, {});
    const actual = lossOf(tiny, tiny.packs, Object.fromEntries(masks));
    // B · 1.25 is rounded to f32.
    expect(relativeError(actual, expected)).toBeLessThan(1e-7);
    expect(relativeError(actual, lossOf(plain, tiny.packs, {}))).toBeGreaterThan(1e-3);
  });

  it('refuses a probability of 1', () => {
    expect(() => traceTape(tinyStep({ dropout: 1 }).tape(), 'step')).toThrow('LoRA dropout 1');
  });
});
