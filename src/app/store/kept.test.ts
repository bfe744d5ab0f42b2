import { describe, expect, it, vi } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import { noStudents, type StudentShelf } from '../../storage/students';
import { type Double, type DoubleOptions, double } from '../workbench.testing';
import { createApp } from './app-store';
import { type Browser, browser } from './browser.testing';
import { formatLink } from './link';
import { addressOf } from './run-place';
import { interruptedRuns } from './saved-actions';

function open({ storage, students }: Browser, options: DoubleOptions = {}, hash = '#/distil') {
  const doubles: Double[] = [];
  const hiding: (() => void)[] = [];
  const app = createApp({
    connect: () => {
      doubles.push(double({ pace: 0, ...(doubles.length === 0 ? options : {}) }));
      return doubles.at(-1) as Double;
    },
    ...{ storage: Promise.resolve(storage), students, hash, pairUrl: '/models/' },
    onHide: (listener) => void hiding.push(listener),
  });
  const hide = () => {
    for (const listener of hiding) listener();
  };
  return { ...app, state: () => app.store.getState(), doubles, hide };
}

const config = parseRunConfig({ optimiser: { steps: 40 }, keeping: { every: 10 } });

/** The browser, except that the first write of this step's snapshot is replaced by `happens`. */
function upon({ storage, students }: Browser, step: number, happens: () => Promise<void>): Browser {
  let due = true;
  const write: StudentShelf['write'] = (run, snapshot) => {
    if (!due || snapshot.step !== step) return students.write(run, snapshot);
    due = false;
    return happens();
  };
  return { storage, students: { ...students, write } };
}

/** A page whose engine died while it stored step 30 of its run. */
async function interrupted(place: Browser) {
  const page = open(
    upon(place, 30, async () => {
      page.doubles[0]?.die();
      await new Promise(() => {});
    }),
  );
  void page.actions.startRun(config);
  await vi.waitFor(() => expect(page.state().run.task.status).toBe('failed'));
  return { id: page.state().run.id as string, page };
}

describe('a run whose tab ended', () => {
  it('is offered at the next start, and continues from its last snapshot', async () => {
    const place = browser();
    const { id } = await interrupted(place);
    const page = open(place);
    await page.actions.start(false);
    expect(page.state().offered).toBe(id);
    expect(page.state().kept.get(id)).toMatchObject({ step: 20, steps: 40, status: 'training' });
    expect(await page.actions.resumeRun(id)).toBe(true);
    expect(page.doubles[0]?.calls).toContain('resume from step 20');
    const { run, offered, saved, kept } = page.state();
    expect(run.series.step).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    expect(run.result?.status).toBe('done');
    expect(offered).toBeNull();
    expect(saved).toHaveLength(1);
    expect(saved[0]).toMatchObject({ id, result: { status: 'done' } });
    expect(kept.get(id)).toMatchObject({ step: 40, status: 'done' });
    expect(interruptedRuns(page.state())).toEqual([]);
  });

  it('can be set aside, and is then no longer offered but can still be resumed', async () => {
    const place = browser();
    const { id } = await interrupted(place);
    const first = open(place);
    await first.actions.start(false);
    await first.actions.labelRun(id, { isSetAside: true });
    expect(first.state().offered).toBeNull();
    const page = open(place);
    await page.actions.start(false);
    expect(page.state().offered).toBeNull();
    expect(interruptedRuns(page.state()).map((run) => run.id)).toEqual([id]);
    expect(await page.actions.resumeRun(id)).toBe(true);
  });

  it('is not resumed while another tab is training it, and says so', async () => {
    const place = browser();
    const { id } = await interrupted(place);
    const page = open({ ...place, storage: { ...place.storage, claimRun: async () => false } });
    await page.actions.start(false);
    expect(await page.actions.resumeRun(id)).toBe(false);
    expect(page.state().notices.map(({ text }) => text)).toEqual([
      'The run is in progress in another tab: this one can only show it.',
    ]);
    expect(page.state().run.task.status).toBe('idle');
  });

  it('continues on the same page too, with a new engine', async () => {
    const { id, page } = await interrupted(browser());
    expect(page.state().dead).not.toBeNull();
    expect(await page.actions.resumeRun(id)).toBe(true);
    expect(page.doubles).toHaveLength(2);
    expect(page.state().run.result?.status).toBe('done');
  });
});

describe('a run', () => {
  it('that was stopped can be continued; one that is done cannot, and keeps its student', async () => {
    const place = browser();
    const page = open(upon(place, 10, () => page.actions.control('stop')));
    expect(await page.actions.startRun(config)).toBe(true);
    const id = page.state().run.id as string;
    expect(page.state().kept.get(id)).toMatchObject({ step: 10, status: 'stopped' });
    expect(await page.actions.resumeRun(id)).toBe(true);
    expect(page.state().run.result).toMatchObject({ status: 'done', steps: 40 });
    expect(page.state().kept.get(id)?.status).toBe('done');
  });

  it('that diverged keeps its student, and is not offered: it would end at the same step again', async () => {
    const place = browser();
    const first = open(place, { nanAt: 25 });
    expect(await first.actions.startRun(config)).toBe(false);
    const id = first.state().run.id as string;
    const page = open(place);
    await page.actions.start(true);
    expect(page.state().kept.get(id)).toMatchObject({ step: 20 });
    expect(page.state().offered).toBeNull();
    expect(interruptedRuns(page.state())).toEqual([]);
    expect(await page.actions.openStudent(id)).toBe(true);
  });

  it('that is discarded leaves nothing behind', async () => {
    const place = browser();
    const page = open(upon(place, 10, async () => page.actions.cancelRun()));
    expect(await page.actions.startRun(config)).toBe(false);
    expect(await place.students.list()).toEqual([]);
    expect(page.state().kept.size).toBe(0);
  });

  it('requests no snapshots where none can be stored', async () => {
    const place = browser();
    const page = open({ ...place, students: { ...place.students, unavailable: 'a test' } });
    expect(await page.actions.startRun(config)).toBe(true);
    expect(page.state().run.kept).toBeNull();
    expect(await place.students.list()).toEqual([]);
  });
});

describe('the student of a kept run', () => {
  it('is opened after a reload, and is the subject of Latents and Low-rank', async () => {
    const place = browser();
    const before = open(place);
    await before.actions.startRun(config);
    const id = before.state().run.id as string;
    const page = open(place);
    await page.actions.start(true);
    expect(page.state().student).toBeNull();
    expect(await page.actions.openStudent(id)).toBe(true);
    const { student, studentConfig, studentRun, latents } = page.state();
    expect(student).toMatchObject({ step: 40 });
    expect(studentConfig).toEqual(config);
    expect(studentRun).toBe(id);
    expect(latents.student).toBe('trained');
  });

  it('teaches the next run after a reload', async () => {
    const place = browser();
    const before = open(place);
    await before.actions.startRun(config);
    const id = before.state().run.id as string;
    const page = open(place);
    await page.actions.start(true);
    expect(page.state().teacher).toBeNull();
    expect(await page.actions.keepTeacher({ run: id })).toBe(true);
    expect(page.state().teacher).not.toBeNull();
    expect(page.state().draft.roles.teacher).toBe('kept');
    // This does not make it the student in use.
    expect(page.state().student).toBeNull();
    expect(await page.actions.keepTeacher({ run: 'none' })).toBe(false);
    const note = 'The matrices are in 8 bits, not in 16 bits.';
    const kept = { label: 'No-CoT', model: 'base', sha256: 'a', note };
    vi.spyOn(page.doubles.at(-1) as Double, 'keepTeacher').mockResolvedValue(kept);
    expect(await page.actions.keepTeacher({ run: id })).toBe(true);
    const text = `No-CoT is the teacher of the next run. ${note}`;
    expect(page.state().notices.at(-1)).toMatchObject({ kind: 'warning', text });
  });

  it('is taken to another browser as a run bundle, and trained further there', async () => {
    const { id, page } = await interrupted(browser());
    await page.actions.restart();
    await page.actions.labelRun(id, { name: 'Half way', tags: ['a', 'b'] });
    const file = await page.actions.exportRun(id, 'bundle');
    expect(page.state().runZip).toMatchObject({ run: id, task: { status: 'done' } });
    const there = open(browser());
    expect(await there.actions.openRunBundle(file?.name ?? '', file?.blob ?? new Blob())).toBe(id);
    const { saved, kept } = there.state();
    expect(saved).toEqual(page.state().saved);
    expect(kept.get(id)).toMatchObject({ run: id, step: 20, steps: 40 });
    expect(await there.actions.resumeRun(id)).toBe(true);
    expect(there.state().run.result?.status).toBe('done');
    // Opening it a second time would replace what was trained further.
    await expect(there.actions.openRunBundle('again.zip', file?.blob ?? new Blob())).rejects.toThrow(
      /“Half way” is already among the kept runs/,
    );
    const none = open({ ...browser(), students: noStudents('nothing is kept here') });
    await expect(none.actions.openRunBundle('x.zip', file?.blob ?? new Blob())).rejects.toThrow(
      /cannot be kept here: nothing is kept here/,
    );
    expect(none.state().saved).toEqual([]);
  });

  it('is opened by a link to a moment of its thoughts', async () => {
    const place = browser();
    const before = open(place);
    await before.actions.startRun(config);
    const id = before.state().run.id as string;
    before.actions.typeQuestion('What is 1 + 1?');
    await before.actions.openQuestion();
    await before.actions.stepTo(2);
    const hash = formatLink({ ...before.state().link, panel: 'latents' });
    expect(hash).toContain(`kept=${encodeURIComponent(id)}`);
    const page = open(place, {}, hash);
    await page.actions.start(true);
    expect(page.state()).toMatchObject({ studentRun: id, latents: { step: 2, missing: null } });
    // Another browser does not have it.
    const other = open(browser(), {}, hash);
    await other.actions.start(true);
    expect(other.state().latents.missing).toMatch(/which is not here/);
  });

  it('is deleted with its run, and can be restored with it until the page is left', async () => {
    const place = browser();
    const page = open(place);
    await page.actions.startRun(config);
    const id = page.state().run.id as string;
    await page.actions.labelRun(id, { name: 'The good one', tags: ['a', 'b'] });
    await page.actions.deleteRun(id);
    expect(page.state().saved).toEqual([]);
    expect((await place.storage.listRuns()).runs).toEqual([]);
    await page.actions.undoDelete();
    const kept = { id, name: 'The good one', tags: ['a', 'b'] };
    expect(page.state().saved).toMatchObject([kept]);
    expect((await place.storage.listRuns()).runs).toMatchObject([kept]);
    expect(await place.students.list()).toHaveLength(1);
    await page.actions.deleteRun(id);
    page.hide();
    await vi.waitFor(async () => expect(await place.students.list()).toEqual([]));
    await page.actions.undoDelete();
    expect(page.state().saved).toEqual([]);
  });

  it('whose row is gone is listed, and can be deleted', async () => {
    const place = browser();
    const file = new Uint8Array(2 * 2 ** 20);
    await place.students.write('lost', { step: 3, steps: 9, status: 'training', file });
    const page = open(place);
    await page.actions.start(false);
    expect(page.state().damaged).toEqual([
      { id: 'lost', reason: 'its entry is missing; its student at step 3 of 9 takes 2.0 MB' },
    ]);
    await page.actions.deleteRun('lost');
    expect(page.state().damaged).toEqual([]);
    expect(await place.students.list()).toEqual([]);
  });
});

describe('a link to a run', () => {
  it('shows the run and its settings; in another browser it says what is missing, and has the settings', async () => {
    const place = browser();
    const before = open(place);
    await before.actions.start(true);
    before.actions.setField('seed', 7);
    before.actions.setField('optimiser.steps', 40);
    await before.actions.startRun();
    const id = before.state().run.id as string;
    const hash = formatLink(addressOf(before.state()));
    expect(hash).toBe(`#/distil?set=seed=7;optimiser.steps=40&kept=${id}`);
    // What is changed afterwards is in the link too, beside the run.
    before.actions.setField('seed', 8);
    expect(formatLink(addressOf(before.state()))).toContain('set=seed=8;optimiser.steps=40');

    const page = open(place, {}, hash);
    await page.actions.start(true);
    expect(page.state()).toMatchObject({ run: { id }, draft: { seed: 7 }, linkProblems: [] });
    expect(page.state().run.series.step).toHaveLength(40);
    expect(formatLink(addressOf(page.state()))).toBe(hash);

    const other = open(browser(), {}, hash);
    await other.actions.start(true);
    expect(other.state().linkProblems).toEqual([
      `the run ${id} is not kept in this browser; load its run bundle (Distil, Load a run file), or start it again with the settings of the link`,
    ]);
    expect(other.state()).toMatchObject({ run: { id: null }, draft: { seed: 7, optimiser: { steps: 40 } } });
  });

  it('to its student, in another place, opens the student, or says that there is none', async () => {
    const place = browser();
    const before = open(place, {}, '#/lowrank?subject=student');
    await before.actions.startRun(config);
    const id = before.state().run.id as string;
    const hash = formatLink(addressOf(before.state()));
    expect(hash).toContain(`kept=${encodeURIComponent(id)}`);
    const page = open(place, {}, hash);
    await page.actions.start(true);
    expect(page.state()).toMatchObject({ studentRun: id, linkProblems: [] });
    await place.students.remove(id);
    const without = open(place, {}, hash);
    await without.actions.start(true);
    expect(without.state().linkProblems).toEqual([
      `no student of the run ${id} is kept: start it again, or load its run bundle`,
    ]);
  });

  it('says which model the run was made with if that is not open', async () => {
    const place = browser();
    const before = open(place);
    await before.actions.startRun(config);
    const [row] = before.state().saved;
    const own = {
      ...config,
      roles: { ...config.roles, student: 'opened', teacher: 'self', data: 'opened' },
    } as const;
    await place.storage.putRun({ ...row, id: 'other', config: own, result: null } as never);
    const page = open(place, {}, '#/distil?kept=other');
    await page.actions.start(true);
    expect(page.state().run.id).toBe('other');
    expect(page.state().notices.map(({ text }) => text)).toEqual([
      expect.stringMatching(/open its model and its data first: they are not open here/),
    ]);
  });

  it('names invalid settings, and shows the rest', () => {
    const page = open(browser(), {}, '#/distil?preset=ce-128&set=optimiser.stepz=9;seed=5;lora.rank=0');
    expect(page.state().draft).toMatchObject({ method: 'ce', seed: expect.any(Number) });
    expect(page.state().linkProblems).toEqual([
      expect.stringMatching(/unknown setting "optimiser.stepz=9"/),
      expect.stringMatching(/the settings: .*lora\.rank/s),
    ]);
  });
});
