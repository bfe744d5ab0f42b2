import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { readGolden } from '../testing/golden.testing';
import { kava } from './kava';
import { casesOf, type Family, makeCase } from './method-goldens.testing';
import { expectParity } from './parity.testing';
import { compressionInputs } from './shared/compression-inputs';

const golden = readGolden('kava');
const { meta } = golden;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

it.each(casesOf(meta))('KaVa agrees with torch: %s, %s', async (family: Family, name) => {
  const { latents, iterations, lambda, kind, scaled, over } = meta.cases[family][name];
  const parity = await makeCase({
    ...{ golden, family, name, recipe: kava },
    config: {
      method: 'kava',
      latent: { steps: latents, iterations },
      projection: { width: meta.width },
      keyValues: { importance: lambda, kind, scaled, over },
      answer: { supervised: 'answer' },
      lora: { rank: meta.rank, alpha: meta.alpha },
      weights: meta.weights,
    },
  });
  await expectParity(parity, runtime);
});

it('says where rationales and answers are, and how many tokens are kept', () => {
  const codec = { prompt: [9, 9], padId: 0, endId: 1 };
  const of = (rationale: number[], answer: number[]) => ({ question: [2], rationale, steps: [], answer });
  const problems = [of([5, 6, 7], [4, 1]), of([], [3, 3, 1])];
  const layout = { batch: 2, question: 1, prompt: 2, answer: 3, explicit: 7 };
  const { sizes, means, feeds } = compressionInputs({ problems, layout, codec }, 2);
  expect(sizes).toEqual({ chain: 3 });
  expect(means).toEqual(['chain.weights']);
  const made = feeds(problems, { samples: [0, 1], step: 0 });
  const rows = (name: string) => Array.from(made[name]?.data ?? []);
  expect(rows('chain.mask')).toEqual([1, 1, 1, 0, 0, 0]);
  // Rationale and prompt come first: the answer's token is at 5; that of the other sample begins at 2.
  expect(rows('chain.answers')).toEqual([0, 0, 0, 0, 0, 1, 0, 0, 0.5, 0.5, 0, 0]);
  expect(rows('chain.weights')).toEqual([0.5, 0.5, 0, 0]);
});
