import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseRunConfig, type RunConfig } from '../../../contract/config';
import { wasmPaths } from '../../runtime/assets';
import { SMALLEST, tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { LoriWorkbench } from '../workbench';
import { tinyRunBy, watch } from './tiny-run.testing';

/**
 * Two steps of each kind of recording, on WebGPU against WASM: f32 against f32 on a software adapter, whose
 * exp errs by 1e-6. The second step follows an AdamW update, which is nearly lr·sign(g), so that a gradient
 * near zero may move its weight the other way.
 */
const TOLERANCE = { first: 1e-5, second: 1e-3 };

/** Few shapes: on a software adapter, compiling a shader for each takes most of the time. */
const CASES: readonly (readonly [what: string, method: string, changes: object])[] = [
  ['latents refined side by side, keys and values compared', 'kava', { latent: { steps: 2, iterations: 1 } }],
  ['REM', 'dart', { silent: { count: 2 }, rem: { width: 2 } }],
  ['an auxiliary decoder', 'sim-cot', { latent: { steps: 1 } }],
  ['a stage without latents, then one with', 'coconut', {}],
  ['supervised adaptive latents, then drawn answers', 'grpo', {}],
  ['all weights', 'nocot', { training: { weights: 'full' } }],
];

const configOf = (method: string, changes: object): RunConfig => {
  const base = tinyRunBy(method, {
    data: { samples: 2, validation: 0, heldOut: 0 },
    lora: { rank: 1, targets: ['q'] as never },
    optimiser: { steps: 2, batch: 2 },
    evaluation: { every: 0 },
    observation: { every: 0 },
  });
  const staged = {
    coconut: { curriculum: { stages: 1, stageSteps: 1, latentsPerStep: 1 } },
    grpo: { reinforcement: { supervisedSteps: 1, group: 2, tokens: 2 }, latents: { bias: 1, max: 1 } },
  }[method];
  return parseRunConfig({ ...base, ...staged, ...changes });
};

const workbenches: LoriWorkbench[] = [];
beforeAll(async () => {
  for (const provider of ['wasm', 'webgpu'] as const) {
    const made = new LoriWorkbench({ ...tinyEnvironment(await tinyPair(SMALLEST)), wasmPaths });
    await made.open(provider);
    await made.loadPair('models');
    workbenches.push(made);
  }
});
afterAll(async () => {
  for (const one of workbenches) await one.close();
});

it.each(CASES)('%s (%s)', { timeout: 120_000 }, async (_what, method, changes) => {
  const found: (readonly Record<string, number>[])[] = [];
  for (const one of workbenches) {
    const watched = watch();
    await one.distil(configOf(method, changes), { report: watched.report });
    found.push(watched.steps().map(({ losses, gradientNorm }) => ({ ...losses, gradientNorm })));
  }
  const [wasm = [], gpu = []] = found;
  expect(wasm).toHaveLength(2);
  wasm.forEach((step, i) => {
    expect(Object.keys(gpu[i] ?? {})).toEqual(Object.keys(step));
    for (const [name, value] of Object.entries(step)) {
      const error = Math.abs(value - (gpu[i]?.[name] as number)) / Math.max(1e-3, Math.abs(value));
      expect(error, `${name} of step ${i + 1}`).toBeLessThan(i === 0 ? TOLERANCE.first : TOLERANCE.second);
    }
  });
});
