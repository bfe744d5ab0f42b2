import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunConfig } from '../../../contract/config';
import type { KeptEvent } from '../../../contract/events';
import type { LensRequest } from '../../../contract/lens';
import { methodOf } from '../../../contract/methods/index';
import { runStages } from '../../../contract/methods/method';
import { TENSOR_GROUPS } from '../../../contract/snapshot';

import type { LoriWorkbench } from '../workbench';
import { at, contents, type Kept, keepAll as keepEvery, losses, openTiny } from './keep-all.testing';
import { figure6, tinyRun, tinyRunBy, watch } from './tiny-run.testing';

let workbench: LoriWorkbench;
beforeAll(async () => {
  workbench = await openTiny();
});
afterAll(() => workbench.close());

const keepAll = (
  from: RunConfig | Uint8Array<ArrayBuffer>,
  { on = workbench, stopAt = 0 }: { on?: LoriWorkbench; stopAt?: number } = {},
): Promise<Kept> => keepEvery(from, { on, stopAt });

// After every step, of every method: resume-steps.test.ts.
describe.each(['lori', 'grpo'])('a run of %s', (method) => {
  it('that is evaluated and observed continues from any snapshot to the bits of the uninterrupted run', async () => {
    const config = tinyRunBy(method, {
      lora: { rank: 2, dropout: 0.2 },
      evaluation: { every: 2, keepBest: true },
      observation: { every: 2, samples: 2 },
      keeping: { every: 1 },
    });
    const whole = await keepAll(config);
    expect(whole.snapshots.map(({ step, status }) => `${status} ${step}`)).toEqual([
      ...[0, 1, 2, 3, 4, 5].map((step) => `training ${step}`),
      'done 5',
    ]);
    for (const step of [0, 3, 5]) {
      const resumed = await keepAll(at(whole, step).file);
      expect(losses(resumed), `after step ${step}`).toEqual(losses(whole).slice(step));
      expect(resumed.result?.heldOut).toEqual(whole.result?.heldOut);
      if (step < 5) expect(await contents(at(resumed, 5))).toEqual(await contents(at(whole, 5)));
      expect(await contents(at(resumed, 5, 'done'))).toEqual(await contents(at(whole, 5, 'done')));
    }
    // Whatever the method trains opens as a student, at any of its steps.
    for (const file of [at(whole, 2), at(whole, 5, 'done')])
      expect((await workbench.openStudent(file.file)).label).toBe(whole.result?.student?.label);
  });
});

describe.each([2, 3])('a run with a curriculum, evaluated every %i steps and between its stages', (every) => {
  it('continues at any step, a boundary too, with the best copy of its stage and every evaluation', async () => {
    // Its second stage begins after two of five steps, its third after four.
    const config = tinyRunBy('coconut', {
      data: { samples: 4, validation: 2, heldOut: 2 },
      evaluation: { every, keepBest: true },
      observation: { every: 0 },
      keeping: { every: 1 },
    });
    expect(runStages(methodOf('coconut'), config).map(({ from }) => from)).toEqual([0, 2, 4]);
    const whole = await keepAll(config);
    const end = await contents(at(whole, 5, 'done'));
    expect(end.series.accuracy.map(({ step }: { step: number }) => step)).toEqual([
      ...(every === 2 ? [2, 4, 5] : [2, 3, 4, 5]),
      5,
    ]);
    const stopped = await keepAll(config, { stopAt: 2 });
    const files = [...[1, 2, 3, 4].map((step) => at(whole, step)), at(stopped, 2, 'stopped')];
    for (const { step, status, file } of files) {
      const resumed = await keepAll(file);
      expect(losses(resumed)).toEqual(losses(whole).slice(step));
      if (step < 3)
        expect(await contents(at(resumed, 3)), `${status} ${step}`).toEqual(await contents(at(whole, 3)));
      expect(await contents(at(resumed, 5, 'done')), `${status} ${step}`).toEqual(end);
    }
    // Stopped before the second stage, its student reasons as in the first.
    expect((await workbench.openStudent(at(stopped, 2, 'stopped').file)).step).toBe(2);
  });
});

it('times the teacher of a resumed run only since it was resumed', async () => {
  const config = tinyRun({ keeping: { every: 2 } });
  const { file } = at(await keepAll(config), 2);
  // Makes the earlier part take as long as there are digits for: millions of seconds.
  const text = Buffer.from(file).toString('latin1');
  const slow = text.replace(
    /(\\"teacher\\":)([\d.]+)/,
    (_, key: string, n: string) => key + '9'.repeat(n.length),
  );
  expect(slow).not.toBe(text);
  const own = await openTiny();
  await keepAll(new Uint8Array(Buffer.from(slow, 'latin1')), { on: own });
  expect((await own.runCost(config)).seconds?.teacher).toBeLessThan(1000);
  await own.close();
});

describe('what a snapshot holds', () => {
  it('is named like the parameters, and smaller once the run is done', async () => {
    const kept = await keepAll(tinyRun({ keeping: { every: 2 } }));
    const names = Object.keys((await contents(at(kept, 2))).bytes);
    const packs = ['student.0', 'student.1'];
    const { parameters, first, second } = TENSOR_GROUPS;
    expect(names.sort()).toEqual([parameters, first, second].flatMap((g) => packs.map((p) => g + p)).sort());
    // Its size, except for the metadata, is known before the run.
    const { kept: told } = await workbench.runCost(tinyRun({ keeping: { every: 2 } }));
    const { byteLength } = at(kept, 0).file;
    expect(byteLength - told).toBeGreaterThan(0);
    expect(byteLength - told).toBeLessThan(8000);
    const done = await contents(at(kept, 5, 'done'));
    expect(Object.keys(done.bytes).sort()).toEqual(packs.map((p) => parameters + p));
    expect(done.series.step).toEqual([1, 2, 3, 4, 5]);
    expect(done.header.heldOut).toEqual(kept.result?.heldOut);
  });

  it('is the state at which training stopped, and can be trained to the end', async () => {
    const whole = await keepAll(tinyRun({ keeping: { every: 100 } }));
    const half = await keepAll(tinyRun({ keeping: { every: 100 } }), { stopAt: 2 });
    expect(half.result?.status).toBe('stopped');
    expect(half.snapshots.map(({ step, status }) => `${status} ${step}`)).toEqual([
      'training 0',
      'stopped 2',
    ]);
    const rest = await keepAll(at(half, 2, 'stopped').file);
    expect([...losses(half), ...losses(rest)]).toEqual(losses(whole));
    expect(rest.result).toMatchObject({ status: 'done', steps: 5, heldOut: whole.result?.heldOut });
  });

  it('is written at every pause, before the run says that it is paused', async () => {
    const seen: string[] = [];
    await workbench.distil(tinyRun({ keeping: { every: 100 } }), {
      keep: async ({ step }) => void seen.push(`kept ${step}`),
      report: (event) => {
        if (event.kind === 'step' && event.step === 3) void workbench.control('pause');
        if (event.kind === 'state') seen.push(event.state);
        if (event.kind === 'state' && event.state === 'paused') void workbench.control('resume');
      },
    });
    expect(seen).toEqual(['running', 'kept 0', 'kept 3', 'paused', 'running', 'kept 5', 'kept 5']);
  });
});

describe('keeping', () => {
  it('continues without a snapshot that cannot be written, and says why', async () => {
    const watched = watch();
    const result = await workbench.distil(tinyRun({ keeping: { every: 2 } }), {
      report: watched.report,
      keep: async () => {
        throw Object.assign(new Error('there is no room'), { hint: 'Delete something.' });
      },
    });
    expect(result.status).toBe('done');
    const told = watched.events.filter((event) => event.kind === 'kept');
    expect(told.map(({ step, failure }) => [step, failure])).toEqual(
      [0, 2, 4, 5, 5].map((step) => [step, 'there is no room. Delete something.']),
    );
  });

  it('is awaited: no step begins while more than one interval is unwritten', async () => {
    let written = -1;
    let most = 0;
    await workbench.distil(tinyRun({ keeping: { every: 2 } }), {
      report: (event) => {
        if (event.kind === 'step') most = Math.max(most, event.step - written);
      },
      keep: async ({ step }) => {
        await new Promise((resolve) => setTimeout(resolve, 30));
        written = step;
      },
    });
    expect(most).toBe(2);
  });

  it('chooses an interval by the cost of keeping', async () => {
    const cheap = await keepAll(tinyRun({ optimiser: { steps: 8 } }));
    expect(cheap.kept.length).toBeGreaterThan(1);
    const kept: KeptEvent[] = [];
    await workbench.distil(tinyRun({ optimiser: { steps: 8 } }), {
      report: (event) => event.kind === 'kept' && kept.push(event),
      keep: () => new Promise((resolve) => setTimeout(resolve, 200)),
    });
    // 200 ms are 2 % of 10 s, which is more than eight tiny steps take.
    expect(kept.map(({ step }) => step)).toEqual([0, 1, 8, 8]);
    expect(kept[1]?.every).toBeGreaterThan(8);
  });
});

describe('resume refuses', () => {
  let kept: Kept;
  beforeAll(async () => {
    kept = await keepAll(tinyRun({ keeping: { every: 2 } }));
  });

  it('other weights, by their names', async () => {
    const other = await openTiny({ seed: 99 });
    await expect(keepAll(at(kept, 2).file, { on: other })).rejects.toThrow(
      /made with other weights: "tiny-base" is [0-9a-f]{12}, not [0-9a-f]{12}, "tiny-teacher"/,
    );
    await expect(other.openStudent(at(kept, 5, 'done').file)).rejects.toThrow(
      /the student was made with other/,
    );
    await other.close();
  });

  it('other data, by the sample', async () => {
    const other = await openTiny({ data: { seed: 12345 } });
    await expect(keepAll(at(kept, 2).file, { on: other })).rejects.toThrow(/other data/);
    await other.close();
  });

  it('a run that is done', async () => {
    await expect(keepAll(at(kept, 5, 'done').file)).rejects.toThrow(/the run is done: all its 5 steps/);
  });

  it('a file that is damaged, truncated, or of another kind', async () => {
    const { file } = at(kept, 2);
    await expect(keepAll(file.slice(0, -4))).rejects.toMatchObject({ code: 'file' });
    await expect(keepAll(new TextEncoder().encode('{}'))).rejects.toMatchObject({ code: 'file' });
    const renamed = new Uint8Array(file);
    const text = new TextDecoder('latin1').decode(file);
    const name = text.indexOf('first-moment/student.1');
    renamed.set(new TextEncoder().encode('first-moment/student.7'), name);
    await expect(keepAll(renamed)).rejects.toThrow(/first-moment\/student\.7/);
  });
});

describe('a kept student', () => {
  it('opens in another engine, and is the same subject', async () => {
    const kept = await keepAll(tinyRun({ keeping: { every: 2 } }));
    const student: LensRequest = {
      ...figure6(2, 1),
      selections: [{ subject: { kind: 'student' }, sections: ['latent'] }],
    };
    const before = await workbench.lens(student);
    const later = await openTiny();
    const report = await later.openStudent(at(kept, 5, 'done').file);
    expect(report).toMatchObject({ step: 5, label: kept.result?.student?.label });
    const after = await later.lens(student);
    expect(after.selections.map(({ spectra }) => spectra)).toEqual(
      before.selections.map(({ spectra }) => spectra),
    );
    expect((await later.checkpoints()).map(({ step }) => step)).toEqual([5]);
    const { thoughts: _none, ...session } = {
      ...(await later.openQuestion({ question: 'Tom has 12 apples. He buys 3 more.', student: 'trained' })),
      thoughts: null,
    };
    expect(session.latentSteps).toBe(2);
    // A snapshot of an earlier step opens as a student too.
    expect(await later.openStudent(at(kept, 2).file)).toMatchObject({ step: 2 });
    await later.close();
  });
});
