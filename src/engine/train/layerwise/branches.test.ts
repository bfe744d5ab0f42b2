import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../base/rng';
import * as o from '../../graph/ops';
import { ModelOnDevice } from '../../model/model-on-device';
import type { Feedback } from '../../nn/feedback';
import { ParameterSet } from '../../nn/parameter-set';
import { tokenFeeds } from '../../recipes/shared/token-inputs';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import type { DeviceTensor } from '../../runtime/tensor';
import { compileWhole } from '../compile-whole';
import type { TapeRun } from '../step';
import type { KeyValueRange, Segment } from '../tape/entries';
import { Tape } from '../tape/tape';
import {
  normals,
  randomBatch,
  randomWeights,
  relativeError,
  TINY_CONFIG,
  TINY_LAYOUT,
} from '../tiny.testing';
import { compileLayerwise } from './compile';

/** f32 with sums in another order; measured at most 2e-7. */
const TOLERANCE = 1e-5;

const { batch: B, question: S, prompt: P, answer: A } = TINY_LAYOUT;
/** Number of latents in the first chain. */
const LATENTS = 3;

/**
 * One question, and two chains of latents after it, each with an adapter and a feedback of its own and an
 * answer; the first one's keys and values have a loss against the second one's. The chains grow alternately,
 * so that each writes to the same columns as the other.
 */
function branches(order: readonly ('first' | 'second')[]): Tape {
  const lora = { kind: 'lora', rank: 2, alpha: 3, targets: ['q', 'k', 'v', 'o', 'gate'] } as const;
  const tape = new Tape(new ParameterSet(TINY_CONFIG, { first: lora, second: lora }), B);
  const question = tape.segment(tape.tokens('question.ids', S), {
    adapters: ['first'],
    mask: 'question.keyMask',
  });
  const filters: Record<string, Feedback> = {
    first: { kind: 'softmax', temperature: 0.7 },
    second: { kind: 'hidden' },
  };
  const ends: Record<string, Segment> = { first: question, second: question };
  for (const branch of order) {
    const after = ends[branch] as Segment;
    const z = tape.feedback(after.last, filters[branch] as Feedback);
    ends[branch] = tape.segment(z, { after, adapters: [branch] });
  }
  const answers: Record<string, Segment> = {};
  for (const [branch, end] of Object.entries(ends)) {
    const x = tape.tokens('answer.ids', P + A - 1);
    const answer = tape.segment(x, { after: end, adapters: [branch] });
    answers[branch] = answer;
    const targets = { targets: 'answer.targets', weights: 'answer.weights' };
    tape.crossEntropy(branch, 1, answer.finals(P - 1), targets);
  }
  const end = ends.first as Segment;
  // Its latents and the answer's first columns of the other chain; the question's own columns would be the same on both sides.
  const [own, teacher] = [end.keyValues(S, end.end), answers.second?.keyValues(S, S + LATENTS)];
  tape.keyValueLoss('kept', own, teacher as KeyValueRange, [], ({ own: { k, v }, teacher: other }) =>
    o.reduceMean(o.square(o.sub(o.add(k, v), other.k))),
  );
  return tape;
}

/** Two latents, the second fed with a detached state: the answer's gradient ends there. */
function detached(isDetached: boolean): Tape {
  const lora = { kind: 'lora', rank: 2, alpha: 3, targets: ['q', 'v', 'down'] } as const;
  const tape = new Tape(new ParameterSet(TINY_CONFIG, { before: lora, after: lora }), B);
  const question = tape.segment(tape.tokens('question.ids', S), {
    adapters: ['before'],
    mask: 'question.keyMask',
  });
  const z = tape.feedback(question.last, { kind: 'softmax', temperature: 1 });
  // A separate segment, which sees nothing of the question except what it is fed.
  const latent = tape.segment(isDetached ? tape.detach(z) : z, { adapters: ['after'] });
  const targets = { targets: 'answer.targets', weights: 'answer.weights' };
  const text = tape.segment(tape.tokens('answer.ids', P + A - 1), { after: latent, adapters: ['after'] });
  tape.crossEntropy('answer', 1, text.finals(P - 1), targets);
  return tape;
}

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

describe('two chains of latents after one question agree in both back ends', () => {
  it.each([
    ['interleaved', ['first', 'second', 'first', 'second', 'first']],
    ['one after the other', ['first', 'first', 'first', 'second', 'second']],
    ['the second one first', ['second', 'second', 'first', 'first', 'first']],
  ] as const)('%s', async (name, order) => {
    const rng = new Rng(8);
    const model = new ModelOnDevice(runtime, TINY_CONFIG, randomWeights(TINY_CONFIG, rng.fork('weights')));
    const tape = branches(order);
    const feeds = tokenFeeds(randomBatch(TINY_LAYOUT, TINY_CONFIG.vocabSize, rng.fork('batch')));
    const packs = tape.parameters.all.map(({ name: own, shape }) =>
      runtime.upload({ dtype: 'f32', shape, data: normals(rng.fork(own), shape[0] as number, 0.25) }),
    );
    const resultOf = async (step: TapeRun): Promise<Float32Array[]> => {
      await step.run(feeds, packs);
      const { terms, gradients } = await step.run(feeds, packs);
      const all = [terms as DeviceTensor, ...gradients].map(({ data }) => (data as Float32Array).slice());
      await step.dispose();
      return all;
    };
    const expected = await resultOf(await compileWhole(model, tape, 'step'));
    const actual = await resultOf(await compileLayerwise(model, tape));
    const errors = expected.map((x, i) => relativeError(actual[i] as Float32Array, x));
    if (process.env.SHOW) console.log(name, Math.max(...errors).toExponential(1));
    expect(expected.every((x) => x.some((value) => Math.abs(value) > 1e-4))).toBe(true);
    expect(Math.max(...errors)).toBeLessThan(TOLERANCE);
    for (const pack of packs) pack.dispose();
    await model.release();
    expect(runtime.liveTensors).toBe(0);
  });
});

it.each(['whole', 'layerwise'] as const)(
  'no gradient flows through a detached input of a segment: %s',
  async (form) => {
    const rng = new Rng(4);
    const model = new ModelOnDevice(runtime, TINY_CONFIG, randomWeights(TINY_CONFIG, rng.fork('weights')));
    const feeds = tokenFeeds(randomBatch(TINY_LAYOUT, TINY_CONFIG.vocabSize, rng.fork('batch')));
    const norms: number[][] = [];
    for (const isDetached of [false, true]) {
      const tape = detached(isDetached);
      const packs = tape.parameters.all.map(({ name, shape }) =>
        runtime.upload({ dtype: 'f32', shape, data: normals(rng.fork(name), shape[0] as number, 0.25) }),
      );
      const step =
        form === 'whole' ? await compileWhole(model, tape, 'step') : await compileLayerwise(model, tape);
      const { gradients } = await step.run(feeds, packs);
      norms.push(gradients.map(({ data }) => Math.hypot(...(data as Float32Array))));
      await step.dispose();
      for (const pack of packs) pack.dispose();
    }
    await model.release();
    const [flowing, stopped] = norms as [number[], number[]];
    const L = TINY_CONFIG.layers;
    expect(flowing.every((norm) => norm > 1e-4)).toBe(true);
    expect(stopped.slice(0, L)).toEqual(Array.from({ length: L }, () => 0));
    expect(stopped.slice(L)).toEqual(flowing.slice(L));
  },
);
