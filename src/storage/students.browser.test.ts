import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunSnapshot } from '../contract/snapshot';
import type { SnapshotStatus } from '../contract/snapshot-status';
import { folderIn } from './opfs';
import { folderOf } from './snapshot-names';
import { noStudents, openStudents, type StudentShelf } from './students';

let root = '';
let students: StudentShelf;
beforeEach(() => {
  root = `test-${crypto.randomUUID()}`;
  students = openStudents(root);
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  await (await navigator.storage.getDirectory()).removeEntry(root, { recursive: true }).catch(() => {});
});

const RUN = '2026-11-26T04:19:13.000Z';
const file = (n: number, length = 100_003) => Uint8Array.from({ length }, (_, i) => (i * n) % 251);
const snapshot = (step: number, status: SnapshotStatus = 'training'): RunSnapshot => ({
  ...{ step, steps: 9, status, file: file(step) },
});
const folder = () => folderIn(root, folderOf(RUN));
const names = async () => {
  const found: string[] = [];
  for await (const name of (await folder()).keys()) found.push(name);
  return found;
};

async function put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const writable = await (await (await folder()).getFileHandle(name, { create: true })).createWritable();
  await writable.write(bytes);
  await writable.close();
}

describe('kept students', () => {
  it('are the latest snapshot of each run, and are gone once deleted', async () => {
    for (const step of [0, 3, 6]) await students.write(RUN, snapshot(step));
    await students.write('other', snapshot(2, 'stopped'));
    expect(await names()).toHaveLength(1);
    const listed = [...(await students.list())].sort((a, b) => a.step - b.step);
    expect(listed).toEqual([
      { run: 'other', step: 2, steps: 9, status: 'stopped', bytes: 100_003 },
      { run: RUN, step: 6, steps: 9, status: 'training', bytes: 100_003 },
    ]);
    expect(await students.read(RUN)).toEqual(file(6));
    // Another page of the same site reads the same files.
    expect(await openStudents(root).read('other')).toEqual(file(2));
    await students.remove(RUN);
    await students.remove(RUN);
    expect((await students.list()).map(({ run }) => run)).toEqual(['other']);
    await expect(students.read(RUN)).rejects.toThrow(/no student of the run/);
  });

  it('stay the earlier ones while a file is incomplete, whatever was left of it', async () => {
    await students.write(RUN, snapshot(3));
    const [good = ''] = await names();
    // First: the tab ended while writing. Then: the disk lost the end of an already renamed file.
    await put(`6-9-training-0123456789abcdef.safetensors.part`, file(6));
    expect(await students.read(RUN)).toEqual(file(3));
    expect((await students.list())[0]?.step).toBe(3);
    await put('6-9-training-0123456789abcdef.safetensors', file(6, 50_000));
    expect(await students.read(RUN)).toEqual(file(3));
    // The next snapshot cleans up.
    await students.write(RUN, snapshot(7));
    expect(await names()).toHaveLength(1);
    expect(await names()).not.toContain(good);
    expect(await students.read(RUN)).toEqual(file(7));
  });

  it('are reported as damaged rather than read as other bytes', async () => {
    await students.write(RUN, snapshot(3));
    const [name = ''] = await names();
    const bytes = file(3);
    bytes[70_000] = (bytes[70_000] ?? 0) ^ 1;
    await put(name, bytes);
    await expect(students.read(RUN)).rejects.toMatchObject({
      code: 'storage',
      message: expect.stringMatching(/is damaged/),
    });
  });

  it('stay the earlier ones when there is no room', async () => {
    const { writeSnapshotFile } = await import('./students-write');
    await students.write(RUN, snapshot(3));
    vi.spyOn(navigator.storage, 'estimate').mockResolvedValue({ usage: 99_000_000, quota: 100_000_000 });
    await expect(writeSnapshotFile({ root, run: RUN, snapshot: snapshot(5) })).rejects.toMatchObject({
      code: 'storage',
      message: 'the student takes 0.1 MB, and the browser has 1.0 MB left for this site',
    });
    expect(await students.read(RUN)).toEqual(file(3));
    expect(await names()).toHaveLength(1);
  });

  it('are written by a new worker after one that could not be started', async () => {
    vi.stubGlobal(
      'Worker',
      class {
        constructor() {
          throw new Error('no worker today');
        }
      },
    );
    await expect(students.write(RUN, snapshot(1))).rejects.toThrow(/no worker today/);
    vi.unstubAllGlobals();
    await students.write(RUN, snapshot(2));
    expect(await students.read(RUN)).toEqual(file(2));
  });

  it('report why none can be stored', async () => {
    const none = noStudents('it is a test');
    expect(await none.list()).toEqual([]);
    await expect(none.write(RUN, snapshot(1))).rejects.toThrow(/it is a test/);
  });
});
