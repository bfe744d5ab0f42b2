import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseRunConfig, type RunConfig } from '../../../contract/config';
import { TOKENS } from '../../recipes/shared/added-tokens';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { insideOf } from '../inside.testing';
import { LoriWorkbench } from '../workbench';
import type { Student } from './student';
import { watch } from './tiny-run.testing';

/** The effect on a run of the training settings that all methods share. */
let workbench: LoriWorkbench;
const student = (): Student => insideOf<{ student: Student }>(workbench).student;
beforeAll(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
});
afterAll(() => workbench.close());

const small = (method: string, changes: object = {}, optimiser: object = {}): RunConfig =>
  parseRunConfig({
    method,
    data: { samples: 6, validation: 0, heldOut: 0 },
    ...(method !== 'cot-sft' && { latent: { steps: 2 } }),
    lora: { rank: 2 },
    observation: { every: 0 },
    optimiser: { steps: 4, batch: 4, learningRate: 1e-2, ...optimiser },
    ...changes,
  });

async function steps(config: RunConfig) {
  const watched = watch();
  const result = await workbench.distil(config, { report: watched.report });
  return { steps: watched.steps(), result };
}

/** Values of a module of the run's student. */
function moduleOf(name: string): Float32Array {
  const { parameters, packs } = student();
  const at = parameters.modules.findIndex((module) => module.name === name);
  return packs[packs.length - parameters.modules.length + at] as Float32Array;
}

it('accumulated batches train like one batch of the same total size', async () => {
  const whole = await steps(small('ce'));
  const parts = await steps(small('ce', {}, { batch: 2, accumulation: 2 }));
  parts.steps.forEach(({ losses, gradientNorm }, i) => {
    // float32, sums in another order
    expect(losses.total / (whole.steps[i]?.losses.total as number)).toBeCloseTo(1, 4);
    expect(gradientNorm / (whole.steps[i]?.gradientNorm as number)).toBeCloseTo(1, 3);
  });
  expect(parts.result.programs).toBe(whole.result.programs + 2);
});

it('a constant schedule stays at its peak after the warm-up', async () => {
  const { steps: all } = await steps(small('ce', {}, { schedule: 'constant', warmup: 0.5 }));
  expect(all.map(({ learningRate }) => learningRate)).toEqual([5e-3, 1e-2, 1e-2, 1e-2]);
});

it('modules learn at their own rate, and fixed tokens not at all', async () => {
  const begin = await steps(small('codi-self', {}, { steps: 1, learningRate: 1e-12 }));
  const [tokens, weight] = [moduleOf(TOKENS).slice(), moduleOf('projection.in.weight').slice()];
  const moved = (now: Float32Array, before: Float32Array): number =>
    Math.max(...now.map((x, i) => Math.abs(x - (before[i] as number))));

  await steps(small('codi-self'));
  const [farTokens, far] = [moved(moduleOf(TOKENS), tokens), moved(moduleOf('projection.in.weight'), weight)];
  expect(Math.min(farTokens, far)).toBeGreaterThan(1e-2);

  await steps(small('codi-self', {}, { moduleRate: 0.01 }));
  expect(moved(moduleOf(TOKENS), tokens) / farTokens).toBeLessThan(0.05);
  expect(moved(moduleOf('projection.in.weight'), weight) / far).toBeLessThan(0.05);

  const fixed = await steps(small('codi-self', { tokens: { trained: false } }));
  expect(moduleOf(TOKENS)).toEqual(tokens);
  expect(fixed.result.trainable).toBe(begin.result.trainable - tokens.length);
});

it('explicit reasoning is measured beside the answers from latents, if requested', async () => {
  const asked = { evaluation: { explicit: true }, data: { samples: 6, validation: 0, heldOut: 4 } };
  const { result } = await steps(small('ce', asked, { steps: 1 }));
  expect(result.heldOut?.total).toBe(4);
  expect(result.explicit?.total).toBe(4);
  expect(result.isWritten).toBeUndefined();
  const without = await steps(small('ce', { data: asked.data }, { steps: 1 }));
  expect(without.result.explicit).toBeUndefined();
  expect(without.result.heldOut).toEqual(result.heldOut);
  const cot = await steps(small('cot-sft', asked, { steps: 1 }));
  expect(cot.result).toMatchObject({ isWritten: true, heldOut: { total: 4 } });
  // Nothing is measured twice.
  expect(cot.result.explicit).toBeUndefined();
});
