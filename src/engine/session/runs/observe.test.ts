import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunConfig, withMethod } from '../../../contract/config';
import type { SpectrumEvent } from '../../../contract/events';
import { FIGURE_6 } from '../../../contract/lens';
import { spectrumOf } from '../../analysis/spectra';
import { CancelledError, InputError } from '../../base/errors';
import { svdCpu } from '../../kernels/svd/svd.cpu';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { insideOf } from '../inside.testing';
import type { DeviceModels } from '../models/device-models';
import { type LoadedModels, resolveSubject, type StudentCheckpoint } from '../models/subjects';
import { gatherStates, sequencesOf } from '../states/states';
import { LoriWorkbench } from '../workbench';
import { Checkpoints } from './checkpoints';
import type { Student } from './student';
import { losses, tinyRun, watch } from './tiny-run.testing';

/** L 2, H 32, K 2. */
const CONFIG = tinyRun({
  optimiser: { steps: 5 },
  data: { validation: 2, heldOut: 0 },
  evaluation: { every: 3 },
  observation: { every: 2, samples: 3 },
});

let workbench: LoriWorkbench;
/** The workbench's private members. */
const inside = () =>
  insideOf<{
    loadedModels(): LoadedModels;
    opened: { models: DeviceModels };
    student: Student | undefined;
  }>(workbench);
beforeAll(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
});
afterAll(() => workbench.close());

async function observed(config: RunConfig = CONFIG) {
  const watched = watch();
  await workbench.distil(config, { report: watched.report });
  return {
    losses: watched.steps().map((s) => s.losses.total),
    spectra: watched.events.filter((e): e is SpectrumEvent => e.kind === 'spectrum'),
    evaluations: watched.events.filter((e) => e.kind === 'evaluation').map((e) => e.accuracy),
  };
}

const packsOf = (checkpoint: number) => inside().loadedModels().checkpoints.get(checkpoint)?.packs;
const middle = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[1] as number;

describe('the student during training', () => {
  it('is observed before the first step, every few steps and at the end', async () => {
    const { spectra } = await observed();
    expect(spectra.map(({ step, samples }) => [step, samples])).toEqual([0, 2, 4, 5].map((s) => [s, 3]));
    const kept = await workbench.checkpoints();
    expect(kept.map(({ id, step }) => [id, step])).toEqual(spectra.map((e) => [e.checkpoint, e.step]));
    expect(kept[1]?.label).toMatch(/^LoRi, statistics over results, 6 samples, seed 1, .*step 2$/);
    // Each names its student and step.
    const { student } = inside();
    expect(kept.map((c) => [c.student?.id, c.student?.step])).toEqual(
      [0, 2, 4, 5].map((step) => [student?.id, step]),
    );
    expect(kept[0]?.student?.differs).toContainEqual(['latent.steps', 2]);
    // The last one is the student that is kept.
    expect(packsOf(kept[3]?.id as number)).toEqual(inside().student?.packs);
    for (const i of [1, 2, 3])
      expect(packsOf(kept[i]?.id as number)).not.toEqual(packsOf(kept[i - 1]?.id as number));
  });

  it('can be observed without changing a bit of losses, accuracies and student', async () => {
    const on = await observed();
    const { packs } = inside().student as Student;
    const off = await observed({ ...CONFIG, observation: { every: 0, samples: 3 } });
    expect(off.spectra).toEqual([]);
    expect(await workbench.checkpoints()).toEqual([]);
    expect(on.losses).toEqual(off.losses);
    expect(on.evaluations).toEqual(off.evaluations);
    expect(inside().student?.packs).toEqual(packs);
  });

  it('equals, at each checkpoint, the student of a run that ends there', async () => {
    const [, second] = (await observed()).spectra;
    const packs = packsOf(second?.checkpoint as number);
    const watched = watch((event) => {
      if (event.kind === 'step' && event.step === 2) void workbench.control('stop');
    });
    await workbench.distil(CONFIG, { report: watched.report });
    expect(inside().student?.packs).toEqual(packs);
    expect((await workbench.checkpoints()).map(({ step }) => step)).toEqual([0, 2]);
  });

  it('has the same spectrum as its latents gathered by other programs', async () => {
    const { spectra } = await observed();
    const last = spectra.at(-1) as SpectrumEvent;
    const loaded = inside().loadedModels();
    const student = resolveSubject({ kind: 'student', checkpoint: last.checkpoint }, loaded);
    // The run's first samples, as drawn by the seed.
    const sequences = sequencesOf({ kind: 'problems', seed: CONFIG.seed, samples: 3 }, loaded);
    const { samples, layers, hidden } = await gatherStates(inside().opened.models, student, sequences, [
      'latent',
    ]);
    expect(samples.map((s) => s.tokens)).toEqual([2, 2, 2]);
    const each = samples.map(({ states }) =>
      spectrumOf(svdCpu(states, { batch: 1, rows: 2 * layers, cols: hidden, r: 0 }).sigma),
    );
    expect(last.sigma).toHaveLength(4);
    // f32 through two different programs, and σ against the largest.
    for (let r = 0; r < 4; r++) {
      const sigma = middle(each.map((s) => s.sigma[r] as number));
      expect(Math.abs((last.sigma[r] as number) - sigma)).toBeLessThan(1e-5 * (last.sigma[0] as number));
      expect(last.cumulative[r]).toBeCloseTo(middle(each.map((s) => s.cumulative[r] as number)), 5);
    }
    expect(last.effectiveRank).toBeCloseTo(middle(each.map((s) => s.effectiveRank)), 4);
    expect(last.stableRank).toBeCloseTo(middle(each.map((s) => s.stableRank)), 4);
    const cosines = samples.map(({ states }) => {
      const at = (t: number): Float32Array =>
        states.subarray((t * layers + 1) * hidden, (t * layers + 2) * hidden);
      const dot = (x: Float32Array, y: Float32Array) =>
        x.reduce((sum, v, i) => sum + v * (y[i] as number), 0);
      return dot(at(0), at(1)) / Math.sqrt(dot(at(0), at(0)) * dot(at(1), at(1)));
    });
    expect(last.cosine).toBeCloseTo(middle(cosines), 5);
    expect(last.cosine).toBeLessThan(0.9999);
  });

  it('has checkpoints but no spectrum if it has no latents', async () => {
    const { spectra, losses: all } = await observed(withMethod(CONFIG, 'nocot').config);
    expect(spectra).toEqual([]);
    expect(all).toHaveLength(5);
    expect((await workbench.checkpoints()).map(({ step }) => step)).toEqual([0, 2, 4, 5]);
  });

  it('can be observed without an evaluation, on more samples than there are, with one latent', async () => {
    const { spectra } = await observed(
      tinyRun({
        data: { samples: 2, validation: 0, heldOut: 0 },
        latent: { steps: 1 },
        optimiser: { steps: 2 },
        evaluation: { every: 0 },
        observation: { every: 5, samples: 64 },
      }),
    );
    expect(spectra.map(({ step, samples }) => [step, samples])).toEqual([
      [0, 2],
      [2, 2],
    ]);
    expect(spectra[1]?.cosine).toBeNaN();
    expect(spectra[1]?.effectiveRank).toBeGreaterThanOrEqual(1);
  });

  it('is stored at its best and at its end if the best is requested', async () => {
    const best = { ...CONFIG, evaluation: { ...CONFIG.evaluation, every: 1, keepBest: true } };
    const on = await observed(best);
    const { packs } = inside().student as Student;
    await observed({ ...best, observation: { every: 0, samples: 3 } });
    expect(inside().student?.packs).toEqual(packs);
    expect(on.spectra.at(-1)?.step).toBe(5);
  });
});

describe('checkpoints', () => {
  it('outlive the provider, are replaced by a new run, and stay if the new run is cancelled', async () => {
    await observed();
    const before = await workbench.checkpoints();
    await workbench.open('wasm');
    expect(await workbench.checkpoints()).toEqual(before);
    const abort = new AbortController();
    const seen: number[] = [];
    const run = workbench.distil(CONFIG, {
      signal: abort.signal,
      report: (event) => {
        if (event.kind !== 'step' || event.step !== 3) return;
        void workbench.checkpoints().then((list) => seen.push(...list.map((c) => c.step)));
        abort.abort();
      },
    });
    await expect(run).rejects.toThrow(CancelledError);
    expect(seen).toEqual([0, 2]);
    expect(await workbench.checkpoints()).toEqual(before);
    await losses(workbench, CONFIG);
    const after = await workbench.checkpoints();
    expect(after).toHaveLength(4);
    expect(Math.min(...after.map((c) => c.id))).toBeGreaterThan(Math.max(...before.map((c) => c.id)));
    expect(() =>
      resolveSubject({ kind: 'student', checkpoint: before[0]?.id as number }, inside().loadedModels()),
    ).toThrow(InputError);
  });

  it('survive the loss of the provider during a run; the last one then becomes its student', async () => {
    await observed();
    const before = inside().student;
    const { runtime } = inside().opened.models;
    const broken = workbench.distil(
      { ...CONFIG, evaluation: { ...CONFIG.evaluation, every: 0, keepBest: false } },
      { report: (event) => event.kind === 'step' && event.step === 3 && void runtime.dispose() },
    );
    await expect(broken).rejects.toThrow();
    await workbench.open('wasm');
    const kept = await workbench.checkpoints();
    expect(kept.map(({ step }) => step)).toEqual([0, 2]);
    expect(inside().student).not.toBe(before);
    expect(inside().student?.packs).toEqual(packsOf(kept[1]?.id as number));
    const report = await workbench.lens({
      ...FIGURE_6,
      source: { kind: 'problems', seed: 1, samples: 1 },
      selections: [{ subject: { kind: 'student', checkpoint: kept[1]?.id as number }, sections: ['latent'] }],
    });
    expect(report.selections[0]?.label).toBe('student, step 2');
    // Before its first copy, there is nothing of the new student to keep.
    const again = inside().opened.models.runtime;
    const early = workbench.distil(CONFIG, {
      report: (event) => event.kind === 'step' && void again.dispose(),
    });
    await expect(early).rejects.toThrow();
    await workbench.open('wasm');
    expect(await workbench.checkpoints()).toEqual(kept);
  });

  it('stay within a byte limit by dropping every second one, but never the first or the last', () => {
    const of = (step: number): StudentCheckpoint => ({ packs: [new Float32Array(25)], step }) as never;
    const steps = (kept: Checkpoints) => [...kept.byId.values()].map(({ step }) => step);
    const kept = new Checkpoints(600);
    for (let n = 0; n < 6; n++) kept.add(n + 10, of(n));
    expect(steps(kept)).toEqual([0, 1, 2, 3, 4, 5]);
    kept.add(16, of(6));
    expect(steps(kept)).toEqual([0, 2, 4, 6]);
    for (let n = 7; n < 10; n++) kept.add(n + 10, of(n));
    expect(steps(kept)).toEqual([0, 4, 7, 9]);
    expect(kept.bytes).toBeLessThanOrEqual(600);
    const small = new Checkpoints(150);
    for (let n = 0; n < 4; n++) small.add(n, of(n));
    expect(steps(small)).toEqual([3]);
    const none = new Checkpoints(10);
    none.add(1, of(1));
    expect(steps(none)).toEqual([1]);
  });
});
