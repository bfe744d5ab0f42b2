import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import { REINFORCED } from '../../contract/methods/grpo';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { readGolden } from '../testing/golden.testing';
import { TINY_CONFIG } from '../train/tiny.testing';
import { grpo } from './grpo';
import { type Family, makeCase, ROUNDING, TOLERANCE } from './method-goldens.testing';
import { interpreted, onBackEnds, worst } from './parity.testing';
import type { Policy } from './shared/recipe';

const golden = readGolden('grpo');
const { weights, completions, latents } = golden.meta;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

interface Completion {
  readonly latents: number;
  readonly text: readonly number[];
  readonly advantage: number;
  readonly reference: readonly number[];
}

/** Draws the golden's completions, whatever is asked, and its reference. */
const policyOf = (all: readonly Completion[], K: number, T: number): Policy => {
  const rows = (width: number, of: (one: Completion) => readonly number[]): Float32Array => {
    const out = new Float32Array(all.length * width);
    all.forEach((one, b) => {
      out.set(of(one), b * width);
    });
    return out;
  };
  return {
    complete: async () => all,
    reference: async () => ({
      decisions: rows(K + 1, ({ reference, latents }) => reference.slice(0, latents + 1)),
      text: rows(T, ({ reference, latents }) => reference.slice(latents + 1)),
    }),
    text: (ids) => ids.join(' '),
  };
};

const caseOf = (family: Family) => {
  const all: Completion[] = completions[family];
  const [K, T] = [latents.max, 6];
  return {
    ...{ golden, family, name: 'step', recipe: grpo, stage: REINFORCED },
    config: {
      method: 'grpo',
      latents,
      weights: { policy: weights.policy, kl: weights.kl },
      reinforcement: { group: 2, tokens: T },
    } as const,
    policy: policyOf(all, K, T),
    // Those of the golden, in place of those of rewards that no golden text can earn.
    replaced: { 'policy.advantages': all.map(({ advantage }) => advantage) },
  };
};

it.each(['llama', 'qwen2'] as const)(
  'a policy step agrees with torch, terms and gradients: %s',
  async (family) => {
    expect(await onBackEnds(await makeCase(caseOf(family)), runtime)).toBeLessThan(TOLERANCE);
  },
);

it('in the float64 interpreter, to the rounding of the golden file and of the weights', async () => {
  expect(worst(interpreted(await makeCase(caseOf('qwen2'))))).toBeLessThan(5 * ROUNDING);
});

it('keeps samples for the reinforced stage', () => {
  const of = (share: number, count: number) =>
    [0, REINFORCED].map((stage) =>
      grpo.samplesOf?.(parseRunConfig({ method: 'grpo', reinforcement: { share } }), count, stage),
    );
  expect(of(0.15, 100)).toEqual([
    [0, 85],
    [85, 100],
  ]);
  expect(of(0, 100)).toEqual([
    [0, 100],
    [0, 100],
  ]);
  // At least one is left for the supervised stage.
  expect(of(0.9, 2)).toEqual([
    [0, 1],
    [1, 2],
  ]);
});

it('refuses batches that are not whole groups, and a reinforced stage without a loss', () => {
  const check = (config: object) => () =>
    grpo.check?.(parseRunConfig({ method: 'grpo', ...config }), TINY_CONFIG);
  expect(check({ optimiser: { batch: 12 }, reinforcement: { group: 8 } })).toThrow(
    'a batch of 12 in groups of 8',
  );
  const silent = { weights: { policy: 0, kl: 0 }, reinforcement: { supervisedSteps: 10 } };
  expect(check({ ...silent, optimiser: { steps: 11 } })).toThrow('has no loss');
  expect(check({ ...silent, optimiser: { steps: 10 } })).not.toThrow();
});
