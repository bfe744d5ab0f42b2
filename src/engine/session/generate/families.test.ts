import { afterAll, beforeAll, expect, it } from 'vitest';
import { generateDefaults } from '../../../contract/generate';
import { tinyEnvironment } from '../../testing/tiny-pair.testing';
import { familyCases, familyFiles, mostProbable, TEXT, textOf } from '../models/families-files.testing';
import { LoriWorkbench } from '../workbench';

/** Decimal places: log-probabilities in float32 against those of float64 logits. */
const DIGITS = 4;

let workbench: LoriWorkbench;
beforeAll(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(new Map()));
  await workbench.open('wasm');
});
afterAll(() => workbench.close());

it.each(familyCases)(
  '$name generates the tokens that torch finds most probable, at every prompt length',
  async (family) => {
    await workbench.openCheckpoint(familyFiles(family, 'f32'));
    const greedy = async (prompt: string, limit: number) => {
      const subject = { kind: 'opened' } as const;
      const settings = { ...generateDefaults, limit, samples: 2 };
      const { samples } = await workbench.generate({ subject, prompt, stop: [], settings });
      expect(samples[1]?.tokens).toEqual(samples[0]?.tokens);
      return samples[0]?.tokens ?? [];
    };
    for (const n of [1, 2, 5, TEXT.length - 1]) {
      const prompt = textOf(TEXT.slice(0, n));
      const tokens = await greedy(prompt, 2);
      const best = mostProbable(family, n);
      expect(tokens[0]?.id).toBe(best.id);
      expect(tokens[0]?.logProbability).toBeCloseTo(best.logProbability, DIGITS);
      // Feeding the first token step by step gives the same second token as putting it in the prompt.
      if (tokens.length < 2 || tokens[0]?.id === 0) continue;
      const [next] = await greedy(prompt + textOf([tokens[0]?.id as number]), 1);
      expect(tokens[1]?.id).toBe(next?.id);
      expect(tokens[1]?.logProbability).toBeCloseTo(next?.logProbability as number, DIGITS);
    }
  },
);
