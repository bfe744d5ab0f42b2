import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RunOptions } from '../../contract/calls';
import { parseRunConfig, type RunConfig, withMethod } from '../../contract/config';
import type { DeviceReport, RunEvent, StepEvent } from '../../contract/events';
import { momentOf } from '../../contract/latents';
import type { CausalRequest, LensReport } from '../../contract/lens';
import type { RunSnapshot } from '../../contract/snapshot';
import { type LoriError, LostDeviceError } from '../base/errors';
import { parseSafetensors } from '../checkpoint/safetensors.testing';
import type { Device } from '../device/device';
import { wasmPaths } from '../runtime/assets';
import type { Runtime } from '../runtime/runtime';
import { SMALLEST, tinyEnvironment, tinyPair } from '../testing/tiny-pair.testing';
import { insideOf } from './inside.testing';
import type { DeviceModels } from './models/device-models';
import type { Pair } from './models/pair';
import type { Student } from './runs/student';
import { figure6 } from './runs/tiny-run.testing';
import { LoriWorkbench } from './workbench';

/**
 * Relative. f32 against f32 on an adapter whose exp errs by 1e-6 gives 1e-6; the room is for AdamW, whose first update
 * is nearly lr·sign(g), so that a gradient near zero may move its weight the other way.
 */
const TOLERANCE = 1e-3;

const QUESTION = 'Tom has 12 apples. He buys 3 more. How many apples does Tom have?';

/**
 * Few shapes: on a software adapter, compiling a shader for each takes most of the time. The anchor's rank is
 * more than the 3 states span: directions of rounding errors would differ between the providers.
 */
const tinyRun = (steps: number, every: number, method = 'lori') =>
  withMethod(tinyLori(steps, every), method).config;
const tinyLori = (steps: number, every: number) =>
  parseRunConfig({
    method: 'lori',
    data: { samples: 3, validation: 2, heldOut: 0 },
    latent: { steps: 2 },
    lora: { rank: 2 },
    factors: { layerRank: 1, hiddenRank: 4, anchor: { sampleRank: 3, layerRank: 1, hiddenRank: 4 } },
    weights: { covariance: 1, mean: 1, anchor: 1 },
    optimiser: { steps, batch: 2, learningRate: 1e-2 },
    evaluation: { every },
  });

const CAUSAL: CausalRequest = {
  subject: { kind: 'teacher' },
  layers: [1],
  ranks: [2],
  positions: 'generated',
  centre: false,
  random: false,
  problems: 2,
  samples: 2,
  seed: 1,
};

/** The workbench's private members. */
interface Inside {
  readonly opened: { readonly runtime: Runtime; readonly device: Device; readonly models: DeviceModels };
  readonly loaded: { readonly pair: Pair };
  readonly student: Student;
}

interface Account {
  /** Singular values of the teacher's rationales, and of the student's latents. */
  readonly sigma: number[];
  readonly latents: number[];
  readonly losses: number[];
  readonly norms: number[];
  readonly accuracies: number[];
  /** Probabilities of the most likely token of each thought, then of the answer. */
  readonly tops: number[];
  readonly answer: string;
  readonly explicit: string;
}

const sigmasOf = ({ selections }: LensReport): number[] =>
  selections.flatMap((s) => s.spectra.flatMap(({ sigma }) => Array.from(sigma)));

async function account(workbench: LoriWorkbench): Promise<Account> {
  const timed = async <T>(what: string, work: Promise<T>): Promise<T> => {
    const start = performance.now();
    const value = await work;
    console.log(`${what}: ${Math.round(performance.now() - start)} ms`);
    return value;
  };
  const spectra = await timed('lens', workbench.lens(figure6(2, 1)));
  const events: RunEvent[] = [];
  await timed('distil', workbench.distil(tinyRun(2, 2), { report: (e) => events.push(e) }));
  const steps = events.filter((e): e is StepEvent => e.kind === 'step');
  const latents = await timed(
    'latents',
    workbench.lens({
      ...figure6(2, 1),
      selections: [{ subject: { kind: 'student' }, sections: ['latent'] }],
    }),
  );
  const { session } = await timed(
    'question',
    workbench.openQuestion({ question: QUESTION, student: 'trained' }),
  );
  const thoughts = [
    await workbench.thought(momentOf(session, 1)),
    await workbench.thought(momentOf(session, 2)),
  ];
  const answer = await timed('answer', workbench.answer(momentOf(session, 2)));
  const explicit = await timed('explicit', workbench.explicit(QUESTION));
  return {
    sigma: sigmasOf(spectra),
    latents: sigmasOf(latents),
    losses: steps.flatMap(({ losses }) => Object.values(losses)),
    norms: steps.map((s) => s.gradientNorm),
    accuracies: events.filter((e) => e.kind === 'evaluation').map((e) => e.accuracy.correct),
    tops: [...thoughts.map(({ fed }) => fed ?? answer), answer].flatMap(({ top }) =>
      top.map((t) => t.probability),
    ),
    answer: answer.text,
    explicit: explicit.text,
  };
}

const worst = (actual: readonly number[], expected: readonly number[]): number =>
  Math.max(...expected.map((x, i) => Math.abs((actual[i] as number) - x) / Math.abs(x)));

const failure = (work: Promise<unknown>): Promise<LoriError | undefined> =>
  work.then(
    () => undefined,
    (error: LoriError) => error,
  );

/** Expects a device loss to be reported with a hint. */
function expectLoss(error: LoriError | undefined): void {
  expect(error).toBeInstanceOf(LostDeviceError);
  expect(error?.message).toMatch(/the GPU device was lost/);
  expect(error?.hint).toMatch(/WASM/);
}

/** Expects a run resumed from its snapshot to train to the bits of the uninterrupted one, including moments. */
async function expectSameBits(workbench: LoriWorkbench): Promise<void> {
  const train = async (from: RunConfig | Uint8Array<ArrayBuffer>) => {
    const snapshots: RunSnapshot[] = [];
    const losses: number[] = [];
    const options: RunOptions = {
      keep: async (snapshot) => void snapshots.push(snapshot),
      report: (event) => event.kind === 'step' && losses.push(event.losses.total, event.gradientNorm),
    };
    await (from instanceof Uint8Array ? workbench.resume(from, options) : workbench.distil(from, options));
    const last = snapshots.find(({ step, status }) => step === 3 && status === 'training') as RunSnapshot;
    const tensors = [...parseSafetensors(last.file.buffer)].map(([name, { bytes }]) => [name, bytes.slice()]);
    return { snapshots, losses, tensors: Object.fromEntries(tensors) };
  };
  const whole = await train({ ...tinyRun(3, 0), keeping: { every: 1 } });
  const { snapshots, losses, tensors } = whole;
  expect(Object.keys(tensors)).toContain('second-moment/student.0');
  const resumed = await train(snapshots.find(({ step }) => step === 1)?.file as Uint8Array<ArrayBuffer>);
  expect(losses).toHaveLength(6);
  expect(resumed.losses).toEqual(losses.slice(2));
  expect(resumed.tensors).toEqual(tensors);
}

/** Probability of the most likely token of both thoughts. */
async function thoughts(workbench: LoriWorkbench, student: 'trained' | 'base'): Promise<number[]> {
  const { session } = await workbench.openQuestion({ question: QUESTION, student, steps: 2 });
  const made = [await workbench.thought(momentOf(session, 1)), await workbench.thought(momentOf(session, 2))];
  return made.map(({ fed }) => fed?.top[0]?.probability as number);
}

describe('the workbench on WebGPU', () => {
  let workbench: LoriWorkbench;
  const inside = (): Inside => insideOf<Inside>(workbench);
  let opened: DeviceReport;
  beforeAll(async () => {
    const files = await tinyPair(SMALLEST);
    workbench = new LoriWorkbench({ ...tinyEnvironment(files), wasmPaths });
    opened = await workbench.open('webgpu');
    await workbench.loadPair('models');
  });
  afterAll(() => workbench.close());

  it('uploads each weight once, however many of lens, teacher pass, training, decoding and causal test run', {
    timeout: 240_000,
  }, async () => {
    const { models, runtime } = inside().opened;
    const { base, teacher } = inside().loaded.pair;
    const uploads = vi.spyOn(runtime, 'upload');
    const weights = (): number => uploads.mock.calls.filter(([, label]) => label?.startsWith('w.')).length;
    const round = async (seed: number): Promise<void> => {
      // The second round uses other problems, whose states are not cached from the first.
      await workbench.lens(figure6(2, seed));
      const selections = [{ subject: { kind: 'base' }, sections: ['question'] }] as const;
      await workbench.lens({ ...figure6(2, seed), selections });
      await workbench.distil(tinyRun(1, 0));
      const { session } = await workbench.openQuestion({ question: QUESTION, student: 'trained' });
      await workbench.thought(momentOf(session, 1));
      await workbench.answer(momentOf(session, 1));
      await workbench.explicit(QUESTION);
      await workbench.causal({ ...CAUSAL, seed });
    };
    await round(3);
    const first = [base, teacher].map((model) => models.traffic(model));
    // Neither is large enough for a table to be split, so that a model's tensors are those of its source.
    expect(first).toMatchObject(
      [base, teacher].map(({ weights: { tensors } }) => ({ uploads: tensors.size, bakes: 0 })),
    );
    expect(base.weights.tensors.size).toBeGreaterThan(5);
    expect(weights()).toBe(base.weights.tensors.size + teacher.weights.tensors.size);
    uploads.mockClear();
    await round(4);
    expect([base, teacher].map((model) => models.traffic(model))).toEqual(first);
    expect(uploads).toHaveBeenCalled();
    expect(weights()).toBe(0);
    uploads.mockRestore();
  });

  it('does everything that WASM does, and after a loss leaves pair and student to WASM', {
    timeout: 240_000,
  }, async () => {
    const { provider, adapter } = opened;
    expect(provider).toBe('webgpu');
    console.log(`on ${adapter?.description || adapter?.architecture}`);
    const { device, runtime } = inside().opened;

    const onGpu = await account(workbench);
    const held = device.liveBuffers;
    // Nothing is left except the tensors of the decoders kept for later questions.
    expect(runtime.liveTensors).toBe(held);

    await expectSameBits(workbench);

    const before = inside().student;
    const seen: number[] = [];
    const lost = await failure(
      workbench.distil(tinyRun(50, 1), {
        report: (event) => {
          if (event.kind !== 'step') return;
          seen.push(event.step);
          if (event.step === 2) device.gpu.destroy();
        },
      }),
    );
    expectLoss(lost);
    expect(seen).toEqual([1, 2]);
    // All that the run made is freed, although the device is gone.
    expect(device.liveBuffers).toBe(held);
    const { student } = inside();
    expect(student).not.toBe(before);
    expect(student.packs[0]).not.toEqual(before.packs[0]);
    expectLoss(await failure(workbench.openQuestion({ question: QUESTION, student: 'trained' })));
    expectLoss(await failure(workbench.lens(figure6(2, 7))));
    expectLoss(await failure(workbench.distil(tinyRun(1, 0))));
    expect(await workbench.problems('held-out', 0, 1)).toHaveLength(1);

    const start = performance.now();
    await workbench.open('wasm');
    console.log(`left the lost device: ${Math.round(performance.now() - start)} ms`);
    expect(device.liveBuffers).toBe(0);
    expect(runtime.liveTensors).toBe(0);
    expect(inside().student).toBe(student);
    const tops: number[][] = [];
    for (const student of ['trained', 'base'] as const) tops.push(await thoughts(workbench, student));
    expect(tops[0]).not.toEqual(tops[1]);

    const onWasm = await account(workbench);
    expect(onWasm.sigma.length).toBeGreaterThan(10);
    expect(onWasm.losses).toHaveLength(2 * 5);
    // Relative to the largest: the small ones are differences of large numbers.
    const ofLargest = (got: number[], want: number[]) =>
      Math.max(...want.map((x, i) => Math.abs((got[i] as number) - x))) / Math.max(...want);
    const errors = {
      sigma: ofLargest(onGpu.sigma, onWasm.sigma),
      latents: ofLargest(onGpu.latents, onWasm.latents),
      losses: worst(onGpu.losses, onWasm.losses),
      norms: worst(onGpu.norms, onWasm.norms),
      tops: worst(onGpu.tops, onWasm.tops),
    };
    console.log(`against WASM: ${JSON.stringify(errors)}`);
    expect(Math.max(...Object.values(errors))).toBeLessThan(TOLERANCE);
    expect(onGpu.accuracies).toEqual(onWasm.accuracies);
    expect([onGpu.answer, onGpu.explicit]).toEqual([onWasm.answer, onWasm.explicit]);
  });

  it('reopens the GPU after a loss; a loss before the first copy keeps the earlier student', {
    timeout: 120_000,
  }, async () => {
    const before = inside().student;
    await workbench.open('webgpu');
    const { device } = inside().opened;
    const lost = await failure(
      workbench.distil(tinyRun(50, 0, 'ce'), {
        report: (event) => {
          if (event.kind === 'step') device.gpu.destroy();
        },
      }),
    );
    expectLoss(lost);
    expect(inside().student).toBe(before);
    await workbench.open('wasm');
    // The model's weights had stayed for the next user; they were freed with the provider.
    expect(device.liveBuffers).toBe(0);
    expect(await thoughts(workbench, 'trained')).toHaveLength(2);
  });
});
