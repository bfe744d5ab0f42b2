import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRunConfig, type RunConfig } from '../../../../contract/config';
import type { StepEvent } from '../../../../contract/events';
import { METHODS } from '../../../../contract/methods/index';
import type { SavedRun } from '../../../../contract/saved-run';
import { emptySeries } from '../../../../contract/series-schema';
import type { RunSnapshot } from '../../../../contract/snapshot';
import { TINY_FAMILIES, tinyEnvironment, tinyPair } from '../../../testing/tiny-pair.testing';
import { tinyRunBy, watch } from '../../runs/tiny-run.testing';
import { LoriWorkbench } from '../../workbench';
import { unpacked } from '../unpacked.testing';

/** Float32 in other orders of summation, over several updates; measured at most 1.3e-6; required 1e-4. */
const TOLERANCE = 2e-5;
/** Two processes add the same numbers in another order; measured at most 1.3e-6. */
const PROCESSES = 2e-6;

const python = '/usr/bin/python3';
const hasTorch = spawnSync(python, ['-c', 'import torch']).status === 0;
const run = promisify(execFile);

const folder = mkdtempSync(join(tmpdir(), 'torch-run-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Case {
  readonly family: Parameters<typeof tinyPair>[0];
  readonly method: string;
  readonly changes: object;
  /** The step of the snapshot that is exported. */
  readonly from: number;
}

const ALL = { covariance: 1e-3, mean: 0.02, anchor: 0.05, answer: 1, explicit: 0.4, codi: 0.8 };
const weights = (...names: (keyof typeof ALL)[]) => ({
  weights: Object.fromEntries(names.map((name) => [name, ALL[name]])),
});
const CASES: Readonly<Record<string, Case>> = {
  lori: {
    ...{ family: {}, method: 'lori', from: 2 },
    changes: weights('covariance', 'mean', 'anchor', 'answer', 'explicit'),
  },
  'lori, parts, dropout, a subspace a sample': {
    ...{ family: TINY_FAMILIES.qwen3, method: 'lori', from: 2 },
    changes: {
      ...weights('covariance', 'mean', 'anchor', 'answer', 'explicit'),
      factors: { scope: 'sample', rationale: 'steps', hiddenRank: 6, normaliseLayers: false },
      lora: { dropout: 0.2, rank: 3, targets: ['q', 'v', 'o', 'down'] },
      optimiser: { accumulation: 2 },
    },
  },
  'codi, its own teacher': {
    ...{ family: TINY_FAMILIES.gpt2, method: 'codi', from: 2 },
    changes: { ...weights('codi', 'answer'), roles: { teacher: 'self' }, optimiser: { accumulation: 2 } },
  },
  'ce, hidden states fed': {
    ...{ family: TINY_FAMILIES.gpt2, method: 'ce', from: 0 },
    changes: {
      ...weights('answer', 'explicit'),
      latent: { steps: 3, filter: 'hidden' },
      lora: { dropout: 0.1 },
    },
  },
  'nocot, prompt and answer': {
    ...{ family: {}, method: 'nocot', from: 3 },
    changes: { ...weights('answer'), answer: { supervised: 'prompt' } },
  },
  'cot-sft': { family: {}, method: 'cot-sft', from: 4, changes: {} },
  'ce, done': { family: {}, method: 'ce', from: 5, changes: weights('answer') },
};

const slug = (name: string): string => name.replaceAll(/\W+/g, '-');
const steps = new Map<string, readonly StepEvent[]>();
const workbenches = new Map<object, Promise<LoriWorkbench>>();

const open = (family: Case['family']): Promise<LoriWorkbench> => {
  const made = workbenches.get(family as object) ?? begin(family);
  workbenches.set(family as object, made);
  return made;
};
async function begin(family: Case['family']): Promise<LoriWorkbench> {
  const workbench = new LoriWorkbench(tinyEnvironment(await tinyPair(family)));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  return workbench;
}

function configOf({ method, changes }: Case): RunConfig {
  const base = tinyRunBy(method, {
    ...{
      data: { samples: 5, validation: 0, heldOut: 0 },
      optimiser: { steps: 5, batch: 2, weightDecay: 0.1 },
    },
    ...{ observation: { every: 0 }, keeping: { every: 1 } },
  });
  const merged = Object.fromEntries(
    Object.entries({ ...base, ...changes }).map(([key, value]) => {
      const own = (base as unknown as Record<string, object>)[key];
      return [key, typeof own === 'object' ? { ...own, ...(value as object) } : value];
    }),
  );
  return parseRunConfig(merged);
}

/** Trains a run, and exports the program from one of its snapshots. */
async function exported(name: string, one: Case): Promise<void> {
  const workbench = await open(one.family);
  const config = configOf(one);
  const snapshots: RunSnapshot[] = [];
  const watched = watch();
  await workbench.distil(config, {
    report: watched.report,
    keep: async (snapshot) => void snapshots.push(snapshot),
  });
  steps.set(name, watched.steps());
  const { file } = snapshots.findLast(({ step }) => step === one.from) as RunSnapshot;
  const saved: SavedRun = { id: name, savedAt: 1, config, result: null, series: emptySeries };
  const made = await workbench.exportRun({ format: 'torch', run: saved, student: file });
  for (const { name: path, data } of await unpacked(made)) {
    const to = join(folder, slug(name), path);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, await data.bytes());
  }
}

interface Line {
  readonly step: number;
  readonly losses: Readonly<Record<string, number>>;
  readonly learningRate: number;
  readonly gradientNorm: number;
}
const linesOf = (name: string, out: string): Line[] =>
  readFileSync(join(folder, slug(name), out, 'losses.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

function expectEqual(lines: readonly Line[], expected: readonly Line[], tolerance: number): void {
  expect(lines.map(({ step }) => step)).toEqual(expected.map(({ step }) => step));
  for (const [i, line] of lines.entries()) {
    const { losses, learningRate, gradientNorm } = expected[i] as Line;
    expect(Object.keys(line.losses).sort()).toEqual(Object.keys(losses).sort());
    for (const [term, value] of Object.entries(losses))
      expect(
        Math.abs((line.losses[term] as number) - value) / value,
        `${term} of step ${line.step}`,
      ).toBeLessThan(tolerance);
    expect(line.learningRate).toBeCloseTo(learningRate, 12);
    expect(Math.abs(line.gradientNorm / gradientNorm - 1), `norm of step ${line.step}`).toBeLessThan(
      10 * tolerance,
    );
  }
}

type Start = readonly [name: string, out: string, ...args: string[]];

/** All programs in one process: torch takes longer to load than a run takes. */
async function trained(
  starts: readonly Start[],
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  const list = starts.map(([name, out, ...args]) => [join(folder, slug(name)), out, ...args]);
  const script = `
import os, sys
starts = ${JSON.stringify(list)}
sys.path.insert(0, starts[0][0])
import torch, train
torch.set_num_threads(1)
for at, out, *args in starts:
    sys.argv = ["train.py", "--folder", at, "--out", os.path.join(at, out), "--device", "cpu", *args]
    train.main()
    os.environ["MASTER_PORT"] = str(int(os.environ.get("MASTER_PORT", 0)) + 1)
`;
  await run(python, ['-c', script], { env: { ...process.env, ...environment } });
}

/**
 * Two processes, as torchrun and `accelerate launch` start them; Debian's torchrun (torch 1.13) fails on its
 * Python 3.11.
 */
const inTwo = (starts: readonly Start[]): Promise<unknown> =>
  Promise.all(
    ['0', '1'].map((RANK) => {
      const MASTER_PORT = String(20_000 + (process.pid % 20_000));
      const common = { WORLD_SIZE: '2', MASTER_ADDR: '127.0.0.1', MASTER_PORT, OMP_NUM_THREADS: '1' };
      return trained(starts, { ...common, RANK, LOCAL_RANK: RANK });
    }),
  );

describe.skipIf(!hasTorch)('the PyTorch program', () => {
  beforeAll(async () => {
    for (const [name, one] of Object.entries(CASES)) await exported(name, one);
    const all = Object.keys(CASES).map((name): Start => [name, 'out', '--rows', '3']);
    await trained([...all, ['lori', 'half', '--steps', '2']]);
  }, 300_000);
  afterAll(async () => {
    for (const workbench of workbenches.values()) await (await workbench).close();
  });

  it.each(Object.entries(CASES))(
    'continues from the checkpoint with the losses of the page: %s',
    (name, { from }) => {
      const expected = (steps.get(name) as readonly StepEvent[]).filter(
        ({ step }) => step > (from === 5 ? 0 : from),
      );
      // Constant losses would hide that the checkpoint is not read.
      const [first, last] = [expected[0], expected.at(-1)] as [StepEvent, StepEvent];
      if (expected.length > 1)
        expect(Math.abs(last.losses.total / first.losses.total - 1)).toBeGreaterThan(100 * TOLERANCE);
      expectEqual(linesOf(name, 'out'), expected, TOLERANCE);
    },
  );

  it('has the same losses in two processes as in one', async () => {
    const names = ['lori, parts, dropout, a subspace a sample', 'codi, its own teacher'];
    await inTwo(names.map((name): Start => [name, 'two', '--rows', '2']));
    for (const name of names) expectEqual(linesOf(name, 'two'), linesOf(name, 'out'), PROCESSES);
  }, 120_000);

  it('writes a checkpoint from which the page continues', async () => {
    const name = 'lori';
    const at = join(folder, slug(name));
    const file = new Uint8Array(readFileSync(join(at, 'half', 'snapshot.safetensors')));
    const workbench = await open((CASES[name] as Case).family);
    const watched = watch();
    const { status } = await workbench.resume(file, { report: watched.report });
    expect(status).toBe('done');
    const expected = (steps.get(name) as readonly StepEvent[]).filter(({ step }) => step > 4);
    expectEqual(watched.steps(), expected, TOLERANCE);
    const resumed = watched.events.find((event) => event.kind === 'resumed');
    expect(resumed?.series.step).toEqual([1, 2, 3, 4]);
    expect(resumed?.series.losses.total?.[3]).toBe(linesOf(name, 'half')[1]?.losses.total);
  }, 120_000);
});

describe('refusals name what the PyTorch program lacks', () => {
  const refused = async (config: RunConfig): Promise<void> => {
    const workbench = await open({});
    let last: RunSnapshot | undefined;
    const keep = async (snapshot: RunSnapshot): Promise<void> => {
      last ??= snapshot;
    };
    await workbench.distil(config, { keep });
    const saved: SavedRun = { id: 'x', savedAt: 1, config, result: null, series: emptySeries };
    await workbench.exportRun({ format: 'torch', run: saved, student: (last as RunSnapshot).file });
  };
  const few = {
    data: { samples: 3, validation: 0, heldOut: 0 },
    optimiser: { steps: 1 },
    observation: { every: 0 },
  };

  it('another method, HOOI, and full fine-tuning', async () => {
    await expect(refused(tinyRunBy('pause-ft', few))).rejects.toMatchObject({
      code: 'config',
      message: 'the PyTorch program does not have the losses of PauseFT (pause-ft)',
      hint: expect.stringContaining(
        'LoRi (lori), CODI-style (codi), CE only (ce), No-CoT (nocot), CoT-SFT (cot-sft)',
      ),
    });
    const lori = tinyRunBy('lori', few) as Extract<RunConfig, { method: 'lori' }>;
    const anchor = { ...lori.factors.anchor, hooi: true };
    await expect(refused({ ...lori, factors: { ...lori.factors, anchor } })).rejects.toThrow(
      /by HOOI \(factors/,
    );
    await expect(refused({ ...lori, training: { weights: 'full' } })).rejects.toThrow(
      /trains adapters; this run trains all weights/,
    );
    expect(METHODS.length).toBeGreaterThan(5);
  });
});
