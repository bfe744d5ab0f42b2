import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SpectrumEvent } from '../../../contract/events';
import { FIGURE_6 } from '../../../contract/lens';
import { wasmPaths } from '../../runtime/assets';
import type { Runtime } from '../../runtime/runtime';
import { SMALLEST, tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { insideOf } from '../inside.testing';
import { LoriWorkbench } from '../workbench';
import type { Student } from './student';
import { tinyRunBy, watch } from './tiny-run.testing';

/** L 1, H 16, K 2; few shapes: on a software adapter, compiling a shader for each takes most of the time. */
const CONFIG = tinyRunBy('ce', {
  data: { samples: 3, validation: 0, heldOut: 0 },
  lora: { rank: 2, targets: ['q'] as never },
  optimiser: { steps: 2, batch: 2 },
  evaluation: { every: 0 },
  observation: { every: 2, samples: 2 },
});

let workbench: LoriWorkbench;
beforeAll(async () => {
  workbench = new LoriWorkbench({ ...tinyEnvironment(await tinyPair(SMALLEST)), wasmPaths });
  await workbench.open('webgpu');
  await workbench.loadPair('models');
});
afterAll(() => workbench.close());

it('a run on the GPU gives the same bits whether or not it is observed and interrupted, and reads back only for observation', {
  timeout: 120_000,
}, async () => {
  const inside = insideOf<{ opened: { runtime: Runtime }; student: Student }>(workbench);
  const { runtime } = inside.opened;
  const run = async (every: number, during?: () => Promise<number>) => {
    const before = runtime.readCount;
    let other: Promise<number> | undefined;
    const watched = watch((event) => {
      if (event.kind === 'step' && event.step === 1) other = during?.();
    });
    await workbench.distil({ ...CONFIG, observation: { every, samples: 2 } }, { report: watched.report });
    return {
      reads: runtime.readCount - before - ((await other) ?? 0),
      losses: watched.steps().map((s) => s.losses.total),
      norms: watched.steps().map((s) => s.gradientNorm),
      packs: inside.student.packs,
      spectra: watched.events.filter((e): e is SpectrumEvent => e.kind === 'spectrum'),
    };
  };
  const off = await run(0);
  const on = await run(2, async () => {
    await workbench.control('pause');
    const before = runtime.readCount;
    const report = await workbench.lens({
      ...FIGURE_6,
      source: { kind: 'problems', seed: 1, samples: 1 },
    });
    expect(report.selections[0]?.spectra[0]?.rows).toBeGreaterThan(4);
    const reads = runtime.readCount - before;
    await workbench.control('resume');
    return reads;
  });
  expect(on.spectra.map((s) => s.step)).toEqual([0, 2]);
  for (const { sigma, effectiveRank } of on.spectra) {
    expect(sigma).toHaveLength(2);
    expect(effectiveRank).toBeGreaterThan(1);
  }
  // The hidden states of K = 2 latents at two observations, and the single pack at the second.
  expect(on.reads - off.reads).toBe(2 * 2 + 1);
  expect(on.losses).toEqual(off.losses);
  expect(on.norms).toEqual(off.norms);
  expect(on.packs).toEqual(off.packs);
});
