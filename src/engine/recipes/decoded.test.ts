import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import type { GraphHostTensor, HostTensor } from '../base/dtype';
import { leftPad } from '../data/batch';
import { Decoder } from '../decode/decoder';
import { everywhere } from '../decode/greedy';
import { logitsOf } from '../decode/readout';
import { feedsOf, reason } from '../decode/reason';
import { ModelOnDevice } from '../model/model-on-device';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { readGolden } from '../testing/golden.testing';
import { coconut } from './coconut';
import { icot } from './icot';
import { type Family, type GoldenCase, makeCase } from './method-goldens.testing';
import { upload, valuesOf } from './parity.testing';
import { longest } from './shared/batches';

/** A student answers as it was trained to: token by token, what torch says of its training step. */

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

/** The tokens that a row is trained to write. */
function writtenBy(feeds: Readonly<Record<string, HostTensor>>, row: number): number[] {
  const { shape, data } = feeds['text.targets'] as HostTensor;
  const R = shape[1] as number;
  const weights = (feeds['text.weights'] as HostTensor).data;
  return Array.from(data.subarray(row * R, (row + 1) * R)).filter(
    (_, j) => (weights[row * R + j] as number) > 0,
  );
}

const logProbability = (logits: Float32Array, id: number): number => {
  const most = logits.reduce((a, b) => Math.max(a, b));
  return (logits[id] as number) - most - Math.log(logits.reduce((sum, x) => sum + Math.exp(x - most), 0));
};

/** The mean of −log p of every token that the rows are trained to write, each decoded alone after what the student is fed. */
async function decodedLoss(of: GoldenCase<never>): Promise<number> {
  const parity = await makeCase(of);
  const model = new ModelOnDevice(runtime, parity.config, parity.weights);
  const tape = parity.tape(model.config);
  const values = upload(runtime, tape, valuesOf(parity, tape));
  const config = parseRunConfig({ ...of.config, lora: { rank: 2, alpha: 3 } }) as never;
  const reasoning = of.recipe.reasoning(config, model.config, { stage: of.stage ?? 0, endId: 1 });
  const questions: number[][] = of.golden.meta.samples[of.family].map(
    (one: { question: number[] }) => one.question,
  );
  const S = longest(questions, ({ length }) => length);
  const decoder = new Decoder(model, {
    ...{ config: model.config, batch: 1, question: S, capacity: S + 40 },
    ...{ parameters: tape.parameters.specs, adapters: reasoning.adapters },
  });
  decoder.setParameters(values);
  await decoder.prepare(feedsOf(reasoning));
  const each: number[] = [];
  for (const [row, question] of questions.entries()) {
    const { ids, keyMask } = leftPad([question], S, 0) as Record<'ids' | 'keyMask', GraphHostTensor>;
    let state = await reason(decoder, await decoder.begin(ids, keyMask), reasoning);
    for (const id of writtenBy(parity.feeds, row)) {
      each.push(-logProbability(await logitsOf(decoder, state), id));
      state = await decoder.step(state, everywhere(decoder, id));
    }
    state.dispose();
  }
  await decoder.dispose();
  for (const value of values) value.dispose();
  await model.release();
  expect(runtime.liveTensors).toBe(0);
  return each.reduce((a, b) => a + b, 0) / each.length;
}

/** float32 against float64; measured at most 3e-7. */
const TOLERANCE = 5e-6;

const markers = (family: Family, name: string): GoldenCase<never> => {
  const golden = readGolden('coconut');
  const { stages, c, pad, instead: inPlace = 'latents' } = golden.meta.cases[family][name];
  const curriculum = { latentsPerStep: c, stages: golden.meta.S, padLatents: pad, inPlace };
  const weights = { answer: golden.meta.weight };
  return {
    ...{ golden, family, name, recipe: coconut as never, stage: stages[0] },
    config: { method: 'coconut' as never, curriculum, weights },
  };
};

/** iCoT: rows of which as many tokens are removed as the stage says. */
const kept = (family: Family, name: string): GoldenCase<never> => {
  const golden = readGolden('icot');
  const removal = { perStage: 1, allBeyond: 20, smoothing: 100, positions: 'kept' };
  return {
    ...{
      golden,
      family,
      name,
      recipe: icot as never,
      stage: Math.min(...golden.meta.cases[family][name].removed),
    },
    config: { method: 'icot' as never, removal, weights: { answer: golden.meta.weight } },
  };
};

it.each([
  ['positions kept after a removal', kept('qwen2', 'kept')],
  ['Coconut’s latents', markers('llama', 'one')],
  ['pauses in their place', markers('qwen2', 'pauses')],
  ['nothing in their place', markers('llama', 'nothing')],
])('%s', async (_name, of) => {
  const { golden, family, name } = of;
  const expected = golden.scalar(`${family}.${name}.weighted.answer`) / golden.meta.weight;
  expect(Math.abs((await decodedLoss(of)) / expected - 1)).toBeLessThan(TOLERANCE);
});
