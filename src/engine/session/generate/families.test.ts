import { afterAll, beforeAll, expect, it } from 'vitest';
import { generateDefaults } from '../../../contract/generate';
import { tinyEnvironment } from '../../testing/tiny-pair.testing';
import goldens from '../models/families.golden.json';
import { familyCases, familyFiles } from '../models/families.testing';
import { LoriWorkbench } from '../workbench';

/** Log-probabilities in float32 against those of float64 logits. */
const DIGITS = 4;

let workbench: LoriWorkbench;
beforeAll(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(new Map()));
  await workbench.open('wasm');
});
afterAll(() => workbench.close());

/** Their tokenizer has a letter for each id. */
const textOf = (ids: readonly number[]): string => String.fromCharCode(...ids.map((id) => 96 + id));
const VOCABULARY = 31;

/** Of each position, log softmax of the row of logits. */
function logProbabilities(base64: string): number[][] {
  const values = new Float32Array(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);
  return Array.from({ length: values.length / VOCABULARY }, (_, n) => {
    const row = Array.from(values.subarray(n * VOCABULARY, (n + 1) * VOCABULARY));
    const max = Math.max(...row);
    const logSum = max + Math.log(row.reduce((sum, x) => sum + Math.exp(x - max), 0));
    return row.map((x) => x - logSum);
  });
}

it.each(familyCases)(
  '$name generates what torch finds most probable, at every length of prompt',
  async (family) => {
    await workbench.openCheckpoint(familyFiles(family, 'f32'));
    const greedy = async (prompt: string, limit: number) => {
      const subject = { kind: 'opened' } as const;
      const settings = { ...generateDefaults, limit, samples: 2 };
      const { samples } = await workbench.generate({ subject, prompt, stop: [], settings });
      expect(samples[1]?.tokens).toEqual(samples[0]?.tokens);
      return samples[0]?.tokens ?? [];
    };
    const rows = logProbabilities(family.textLogits);
    for (const n of [1, 2, 5, goldens.text.length - 1]) {
      const prompt = textOf(goldens.text.slice(0, n));
      const tokens = await greedy(prompt, 2);
      const row = rows[n - 1] as number[];
      const best = Math.max(...row);
      expect(tokens[0]?.id).toBe(row.indexOf(best));
      expect(tokens[0]?.logProbability).toBeCloseTo(best, DIGITS);
      // The token after it, fed one by one, is the one after it as a part of the prompt.
      if (tokens.length < 2 || tokens[0]?.id === 0) continue;
      const [next] = await greedy(prompt + textOf([tokens[0]?.id as number]), 1);
      expect(tokens[1]?.id).toBe(next?.id);
      expect(tokens[1]?.logProbability).toBeCloseTo(next?.logProbability as number, DIGITS);
    }
  },
);
