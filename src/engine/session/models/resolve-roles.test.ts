import { beforeAll, describe, expect, it, vi } from 'vitest';
import { AS_DETECTED } from '../../../contract/data';
import type { RunEvent } from '../../../contract/events';
import { FIGURE_6, type NamedFile } from '../../../contract/lens';
import type { RunSnapshot } from '../../../contract/snapshot';
import { wordProblems } from '../../data/word-problems';
import { filesOf, type Role, tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { insideOf } from '../inside.testing';
import { losses, tinyRun, tinyRunBy, watch } from '../runs/tiny-run.testing';
import { LoriWorkbench } from '../workbench';
import type { Opened } from './environment';
import { familyCases, familyFiles } from './families-files.testing';
import type { OpenedModel } from './subjects';

/** Word problems in coconut's form, so that the tiny models have a token for every word. */
const ROWS = wordProblems(5, 30, { minSteps: 1, maxSteps: 3 });
const rowsFile = (rows: readonly object[], name = 'rows.json'): NamedFile => ({
  name,
  data: new Blob([JSON.stringify(rows)]),
});

let files: Map<string, Uint8Array<ArrayBuffer>>;
const folder = (role: Role): NamedFile[] => filesOf(files, role);
beforeAll(async () => {
  files = await tinyPair();
});

/** @param pair whether the bundled pair is loaded; @param opened the files of a checkpoint */
async function workbenchWith({ pair = true, opened = folder('base') } = {}): Promise<LoriWorkbench> {
  const workbench = new LoriWorkbench(tinyEnvironment(files));
  await workbench.open('wasm');
  if (pair) await workbench.loadPair('models');
  if (opened.length > 0) await workbench.openCheckpoint(opened);
  return workbench;
}

const run = (roles: object, changes: object = {}) =>
  tinyRun({ optimiser: { steps: 2 }, ...changes, roles } as never);

describe('roles', () => {
  it('give the opened base the losses of the bundled one, to the bit', async () => {
    const workbench = await workbenchWith();
    const bundled = await losses(workbench, run({}));
    expect(await losses(workbench, run({ student: 'opened' }))).toEqual(bundled);
    // A different teacher: the model itself.
    expect(await losses(workbench, run({ student: 'opened', teacher: 'self' }))).not.toEqual(bundled);
    await workbench.close();
  });

  it('train an opened model on opened rows, without the pair', async () => {
    const workbench = await workbenchWith({ pair: false });
    await workbench.openData([rowsFile(ROWS)], AS_DETECTED);
    const watched = watch();
    const config = run({ student: 'opened', teacher: 'self', data: 'opened' });
    const result = await workbench.distil(config, { report: watched.report });
    const used = result.data as NonNullable<typeof result.data>;
    expect(used).toMatchObject({ name: 'rows.json', rule: 'coconut', leftOut: 0 });
    expect(used.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect([used.training, used.validation, used.heldOut].map(({ length }) => length)).toEqual([6, 3, 4]);
    expect(watched.events.find((event: RunEvent) => event.kind === 'data')).toEqual({
      kind: 'data',
      data: used,
    });
    expect(Object.keys(result.models)).toHaveLength(1);
    expect(result.heldOut?.total).toBe(4);
    expect(result.teacher?.total).toBe(4);
    // The student is a subject, on its own model.
    const { selections } = await workbench.lens({
      ...FIGURE_6,
      source: { kind: 'texts', texts: ['Tom has 3 eggs .'] },
      ...{ stack: 'layer', controls: [] },
      selections: [{ subject: { kind: 'student' }, sections: ['text'] }],
    });
    expect(selections[0]?.spectra).toHaveLength(2);
    await workbench.close();
  });

  it('let a kept student teach, and step it on its own model', async () => {
    const workbench = await workbenchWith({ pair: false });
    await workbench.openData([rowsFile(ROWS)], AS_DETECTED);
    const own = { student: 'opened', teacher: 'self', data: 'opened' };
    const first = await workbench.distil(run(own));
    await expect(workbench.distil(run({ ...own, teacher: 'kept' }))).rejects.toThrow('none was kept');
    const kept = await workbench.keepTeacher();
    const second = await workbench.distil(run({ ...own, teacher: 'kept' }));
    expect(Object.values(second.models)).toContain(kept.sha256);
    expect(Object.keys(second.models)).toHaveLength(2);
    expect(first.models).not.toEqual(second.models);
    // Held-out rows can be used as questions, and the kept teacher explains.
    const [problem] = await workbench.problems('held-out', 0, 1);
    expect(problem?.id).toBe(second.data?.heldOut[0]);
    const { question } = problem as NonNullable<typeof problem>;
    const session = await workbench.openQuestion({ question, student: 'trained' });
    expect(session.latentSteps).toBe(2);
    expect(
      (await workbench.answer({ session: session.session, step: 0, interventions: [] })).text,
    ).toBeTypeOf('string');
    expect((await workbench.explicit(question)).text).toBeTypeOf('string');
    await workbench.close();
  });

  it('let another model that was opened and kept teach, which is freed before the student trains', async () => {
    const workbench = await workbenchWith({ opened: folder('teacher') });
    const plain = watch();
    const bundled = await workbench.distil(run({}), { report: plain.report });
    const want = plain.steps().map((s) => s.losses.total);
    const kept = await workbench.keepTeacher({ kind: 'opened' });
    expect(kept).toMatchObject({ label: kept.model, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    const { runtime, models } = insideOf<{ opened: Pick<Opened, 'runtime' | 'models'> }>(workbench).opened;
    const { openedModel } = insideOf<{ openedModel: OpenedModel }>(workbench);
    // Also while the teacher is still the opened model, and the student is another.
    expect(await losses(workbench, run({ teacher: 'kept' }))).toEqual(want);
    expect(models.traffic(openedModel.model)).toBeUndefined();
    await workbench.openCheckpoint(folder('base'));
    const watched = watch();
    let programs: number | null = null;
    const real = runtime.compile.bind(runtime);
    const compile = vi.spyOn(runtime, 'compile').mockImplementation((...args) => {
      // The teacher's programs are gone when the student's first one is compiled.
      const isStudent = watched.events.some((e) => e.kind === 'progress' && e.progress.phase === 'compile');
      if (isStudent && programs === null) programs = runtime.programCount;
      return real(...args);
    });
    const before = runtime.programCount;
    const roles = { student: 'opened', teacher: 'kept' };
    const result = await workbench.distil(run(roles), { report: watched.report });
    compile.mockRestore();
    expect(programs).toBe(before);
    // These are the bundled pair's two models, so losses and figures are the same, to the bit.
    expect(watched.steps().map((s) => s.losses.total)).toEqual(want);
    expect(result.teacher).toEqual(bundled.teacher);
    expect(result.models[`the kept teacher: ${kept.label}`]).toBe(kept.sha256);
    // Loading the pair again keeps it.
    await workbench.loadPair('models');
    expect(await losses(workbench, run(roles))).toEqual(want);
    await workbench.close();
  });

  it('let a student from an earlier visit teach, and use its student without it', async () => {
    const snapshots = new Map<string, Uint8Array<ArrayBuffer>>();
    const first = await workbenchWith();
    const own = { student: 'opened', teacher: 'self' };
    const keep = (name: string) => ({
      keep: async ({ file }: RunSnapshot) => void snapshots.set(name, file.slice()),
    });
    const cot = tinyRunBy('cot-sft', { optimiser: { steps: 2 }, roles: own } as never);
    await first.distil(cot, keep('teacher'));
    const kept = await first.keepTeacher();
    const taught = run({ ...own, teacher: 'kept' });
    const want = watch();
    await first.distil(taught, { ...keep('student'), report: want.report });
    await first.close();

    const second = await workbenchWith();
    const student = snapshots.get('student') as Uint8Array<ArrayBuffer>;
    // Its teacher is missing, and not needed.
    expect((await second.openStudent(student)).step).toBe(2);
    await expect(second.distil(taught)).rejects.toThrow('none was kept');
    const file = snapshots.get('teacher') as Uint8Array<ArrayBuffer>;
    expect(await second.keepTeacher({ kind: 'run', file })).toEqual(kept);
    const got = watch();
    await second.distil(taught, { report: got.report });
    expect(got.steps().map((s) => s.losses)).toEqual(want.steps().map((s) => s.losses));
    await second.close();
  });

  it('name the rows that are too long', async () => {
    const workbench = await workbenchWith();
    await workbench.openData([rowsFile(ROWS)], AS_DETECTED);
    const { data } = await workbench.distil(
      run({ student: 'opened', data: 'opened' }, { data: { longest: 30 } }),
    );
    expect(data?.leftOut).toBeGreaterThan(0);
    expect(data?.leftOutRows[0]?.reason).toMatch(/^\d+ tokens; at most 30$/);
    await workbench.close();
  });

  const refused: [what: string, roles: object, opened: 'none' | 'other' | 'base', says: string][] = [
    ['an opened student that is not there', { student: 'opened' }, 'none', 'none is open'],
    ['a kept teacher that is not there', { teacher: 'kept' }, 'base', 'none was kept'],
    ['a teacher with another tokenizer', { student: 'opened' }, 'other', 'have different tokenizers'],
    ['rows that are not there', { data: 'opened' }, 'base', 'no data set is open'],
  ];
  it.each(refused)('refuse %s', async (_, roles, opened, says) => {
    const other = familyFiles(familyCases[0] as (typeof familyCases)[number], 'f32');
    const workbench = await workbenchWith({
      opened: opened === 'none' ? [] : opened === 'other' ? other : folder('base'),
    });
    await expect(workbench.distil(run(roles))).rejects.toThrow(says);
    await workbench.close();
  });

  it('refuse a kept teacher of another width, and name the losses that need it', async () => {
    const wide = await tinyPair({ config: { hidden_size: 48 } });
    const workbench = await workbenchWith({
      opened: filesOf(wide, 'teacher'),
    });
    await workbench.keepTeacher({ kind: 'opened' });
    await workbench.openCheckpoint(folder('base'));
    const roles = { student: 'opened', teacher: 'kept' };
    await expect(workbench.distil(run(roles))).rejects.toThrow(/hidden size: 48 and 32; covariance and mean/);
    // Methods that compare no states accept it: its accuracy is the reference for the student's.
    const { teacher } = await workbench.distil(tinyRunBy('ce', { optimiser: { steps: 1 }, roles } as never));
    expect(teacher?.total).toBe(4);
    await workbench.close();
  });

  it('refuse a teacher of another width, and name the losses that need it', async () => {
    const wide = await tinyPair({ config: { hidden_size: 48 } });
    const opened = [...wide]
      .filter(([path]) => path.startsWith('base/'))
      .map(([path, bytes]) => ({ name: path.slice('base/'.length), data: new Blob([bytes]) }));
    const workbench = await workbenchWith({ opened });
    await expect(workbench.distil(run({ student: 'opened' }))).rejects.toThrow(
      /differ in their hidden size: 32 and 48; covariance and mean and anchor compare their hidden states/,
    );
    // Without losses on states, the teacher is not read.
    const weights = { covariance: 0, mean: 0, anchor: 0 };
    await workbench.distil(run({ student: 'opened' }, { weights }));
    await workbench.close();
  });
});
