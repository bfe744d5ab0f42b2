import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseRunConfig } from '../../../contract/config';
import type { GroupsEvent } from '../../../contract/events';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { LoriWorkbench } from '../workbench';
import { tinyRunBy, watch } from './tiny-run.testing';

let workbench: LoriWorkbench;
beforeAll(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
}, 60_000);
afterAll(() => workbench.close());

/**
 * The paper's finding on a small scale: supervised, students reason at the length they were trained with;
 * reinforced, as briefly as they can.
 */
it('a student that knows its answers learns to reason briefly if length is penalised', async () => {
  const { lora, weights, ...base } = tinyRunBy('grpo', {
    data: { samples: 8, validation: 0, heldOut: 0 },
    optimiser: { steps: 150, batch: 8, learningRate: 1e-2 },
    evaluation: { every: 0 },
    observation: { every: 0 },
  });
  const config = parseRunConfig({
    ...base,
    lora: { ...lora, rank: 8 },
    optimiser: { ...base.optimiser, schedule: 'constant' },
    latents: { factor: 0, bias: 3, min: 0, max: 5 },
    weights: { ...weights, answer: 1, stop: 0.02, codi: 0, kl: 0.05 },
    reinforcement: { supervisedSteps: 90, group: 8, tokens: 8, share: 0, penalty: 1, rate: 0.12 },
  });
  const watched = watch();
  await workbench.distil(config, { report: watched.report });
  const drawn = watched.events.filter((event): event is GroupsEvent => event.kind === 'groups');
  const means = drawn.map(({ groups }) => {
    const all = groups.flatMap(({ completions }) => completions);
    const of = (value: (one: (typeof all)[number]) => number): number =>
      all.reduce((sum, one) => sum + value(one), 0) / all.length;
    return { length: of(({ length }) => length), right: of(({ reward }) => reward.correct) };
  });
  if (process.env.SHOW)
    console.log(means.map((m) => `${m.length.toFixed(2)}/${m.right.toFixed(2)}`).join(' '));
  const average = (of: readonly number[]): number => of.reduce((sum, x) => sum + x, 0) / of.length;
  const lengths = means.map(({ length }) => length);
  // START, three latents, END at first. Measured: 3.0 at the end, with 0.8 right; single steps vary by a lot.
  expect(average(lengths.slice(0, 5))).toBeGreaterThan(4.8);
  expect(average(lengths.slice(-20))).toBeLessThan(4.2);
  expect(average(means.slice(-20).map(({ right }) => right))).toBeGreaterThan(0.5);
}, 120_000);
