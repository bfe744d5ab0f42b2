import { beforeAll, describe, expect, it } from 'vitest';
import { AS_DETECTED } from '../../../contract/data';
import type { RunEvent } from '../../../contract/events';
import { FIGURE_6, type NamedFile } from '../../../contract/lens';
import { wordProblems } from '../../data/word-problems';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { losses, tinyRun, watch } from '../runs/tiny-run.testing';
import { LoriWorkbench } from '../workbench';
import { familyCases, familyFiles } from './families-files.testing';

/** Word problems in coconut's form, so that the tiny models have a token for every word. */
const ROWS = wordProblems(5, 30, { minSteps: 1, maxSteps: 3 });
const rowsFile = (rows: readonly object[], name = 'rows.json'): NamedFile => ({
  name,
  data: new Blob([JSON.stringify(rows)]),
});

let files: Map<string, Uint8Array<ArrayBuffer>>;
const folder = (role: string): NamedFile[] =>
  [...files]
    .filter(([path]) => path.startsWith(`${role}/`))
    .map(([path, bytes]) => ({ name: path.slice(role.length + 1), data: new Blob([bytes]) }));
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
    // Another teacher: the model itself.
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

  it('teach by the student that was kept, and step it on its own model', async () => {
    const workbench = await workbenchWith({ pair: false });
    await workbench.openData([rowsFile(ROWS)], AS_DETECTED);
    const own = { student: 'opened', teacher: 'self', data: 'opened' };
    const first = await workbench.distil(run(own));
    await expect(workbench.distil(run({ ...own, teacher: 'kept' }))).rejects.toThrow('none was');
    const kept = await workbench.keepTeacher();
    const second = await workbench.distil(run({ ...own, teacher: 'kept' }));
    expect(Object.values(second.models)).toContain(kept.sha256);
    expect(Object.keys(second.models)).toHaveLength(2);
    expect(first.models).not.toEqual(second.models);
    // Held-out rows can be asked, and the kept teacher explains.
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
    ['a kept teacher that is not there', { teacher: 'kept' }, 'base', 'none was'],
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
