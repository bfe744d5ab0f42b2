import { expect, it } from 'vitest';
import { openStudents } from './students';

it('lists and deletes nothing where the browser has no files, and says why nothing is stored', async () => {
  const students = openStudents();
  expect(students.unavailable).toMatch(/no file system/);
  expect(await students.list()).toEqual([]);
  await students.remove('a run');
  const snapshot = { step: 1, steps: 2, status: 'training', file: new Uint8Array(4) } as const;
  await expect(students.write('a run', snapshot)).rejects.toMatchObject({
    code: 'storage',
    message: 'students cannot be kept: this browser has no file system for sites',
  });
});
