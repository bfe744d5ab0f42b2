import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { readGolden } from '../testing/golden.testing';
import { TINY_CONFIG } from '../train/tiny.testing';
import { lotus } from './lotus';
import { casesOf, type Family, makeCase } from './method-goldens.testing';
import { expectParity } from './parity.testing';
import { goldInputs } from './shared/step-inputs';

const golden = readGolden('lotus');
const { meta } = golden;

const parity = (family: Family, name: string) => {
  const { blocks, width, filter, temperature, at = 'latent' } = meta.cases[family][name];
  return makeCase({
    ...{ golden, family, name, recipe: lotus },
    config: {
      method: 'lotus',
      latent: { steps: blocks * width, filter, temperature },
      gold: { of: 'steps', width, at },
      lora: { rank: meta.rank, alpha: meta.alpha },
      weights: meta.weights,
    },
  });
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

it.each(casesOf(meta))('LOTUS agrees with torch: %s, %s', async (family, name) => {
  await expectParity(await parity(family, name), runtime);
});

describe('gold tokens', () => {
  const codec = { prompt: [9], padId: 0, endId: 1 };
  const PLACE = { samples: [], step: 0 };
  const problem = (...steps: number[][]) => ({
    question: [2],
    rationale: steps.flat(),
    steps,
    answer: [3, 1],
  });

  it('are the first tokens of the first steps, each weighing the same', () => {
    const batch = [problem([10, 11, 12], [13], [14, 15]), problem([16])];
    const feeds = goldInputs({ problems: batch, layout: {} as never, codec }, 2, 2).feeds(batch, PLACE);
    expect(Array.from(feeds['gold.targets']?.data ?? [])).toEqual([10, 11, 13, 0, 16, 0, 0, 0]);
    const quarter = [1, 1, 1, 0, 1, 0, 0, 0].map((x) => x / 4);
    expect(Array.from(feeds['gold.weights']?.data ?? [])).toEqual(quarter);
  });

  it('are none where no sample of the batch has a step', () => {
    const batch = [problem()];
    const { data } =
      goldInputs({ problems: batch, layout: {} as never, codec }, 2, 1).feeds(batch, PLACE)['gold.weights'] ??
      {};
    expect(Array.from(data ?? [])).toEqual([0, 0]);
  });
});

it('refuses latents that do not fill their blocks', () => {
  const config = parseRunConfig({ method: 'lotus', latent: { steps: 4 }, gold: { width: 3 } });
  expect(() => lotus.check?.(config, TINY_CONFIG)).toThrow('4 latent steps in blocks of 3');
});
