import { afterAll, beforeAll, expect, it } from 'vitest';
import { filesOf, tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { LoriWorkbench } from '../workbench';
import { at, keepAll, losses } from './keep-all.testing';
import { tinyRun } from './tiny-run.testing';

let workbench: LoriWorkbench;
let name: string;
beforeAll(async () => {
  const pair = await tinyPair();
  workbench = new LoriWorkbench(tinyEnvironment(pair));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  const files = filesOf(pair, 'teacher');
  ({ name } = await workbench.openCheckpoint(files));
});
afterAll(() => workbench.close());

it('a run is resumed with its model’s matrices kept as they were, or not at all; its student opens with a note', async () => {
  const roles = { student: 'opened', teacher: 'self', data: 'bundled' } as const;
  await workbench.storeWeights('int8');
  const whole = await keepAll(tinyRun({ roles, keeping: { every: 2 } }), { on: workbench });
  expect(whole.result?.storages).toEqual({ [name]: 'int8' });
  const { file } = at(whole, 2);
  expect((await workbench.openStudent(file)).note).toBeUndefined();
  expect((await workbench.keepTeacher({ kind: 'run', file })).note).toBeUndefined();

  await workbench.storeWeights('half');
  const differs = `The matrices of "${name}" are in 16 bits, not in 8 bits`;
  await expect(keepAll(file, { on: workbench })).rejects.toMatchObject({
    code: 'input',
    message: `${differs.replace('The', 'the')} as the run has them: its next losses would be others`,
    hint: expect.stringContaining('Choose the run’s storage in the Model panel'),
  });
  const differ = `${differs} as when this student was trained`;
  expect((await workbench.openStudent(file)).note).toMatch(differ);
  expect((await workbench.keepTeacher({ kind: 'run', file })).note).toMatch(differ);
  expect((await workbench.keepTeacher({ kind: 'opened' })).note).toBeUndefined();
  const { notes } = await workbench.exportModel({ subject: { kind: 'student' }, format: 'peft' });
  expect(notes.join()).toMatch('Here the matrices of its layers are kept in 16 bits');

  await workbench.storeWeights('int8');
  expect(losses(await keepAll(file, { on: workbench }))).toEqual(losses(whole).slice(2));
});
