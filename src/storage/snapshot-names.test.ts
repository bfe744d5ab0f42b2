import { describe, expect, it } from 'vitest';
import { folderOf, newestFirst, parseSnapshotName, runOf, snapshotName } from './snapshot-names';

const digest = '0123456789abcdef';

describe('names of snapshots', () => {
  it('describe the file’s content, and parse back', () => {
    const name = { step: 40, steps: 150, status: 'training', digest } as const;
    expect(snapshotName(name)).toBe(`40-150-training-${digest}.safetensors`);
    expect(parseSnapshotName(snapshotName(name))).toEqual(name);
    for (const other of [`${snapshotName(name)}.part`, `40-150-later-${digest}.safetensors`, 'notes.txt', ''])
      expect(parseSnapshotName(other)).toBeNull();
  });

  it('are sorted by step, and within a step by how far the run is', () => {
    const of = (step: number, status: 'training' | 'stopped' | 'done') => ({
      step,
      steps: 9,
      status,
      digest,
    });
    const sorted = [of(2, 'training'), of(9, 'training'), of(9, 'done'), of(3, 'stopped')].sort(newestFirst);
    expect(sorted).toEqual([of(9, 'done'), of(9, 'training'), of(3, 'stopped'), of(2, 'training')]);
  });

  it('give every run id a folder of its own', () => {
    const ids = ['2026-11-26T04:19:13.000Z', 'a/b\\c', '~3a~', '..', 'über'];
    expect(ids.map((id) => runOf(folderOf(id)))).toEqual(ids);
    expect(new Set(ids.map(folderOf)).size).toBe(ids.length);
    expect(folderOf('2026-11-26T04:19:13.000Z')).toBe('2026-11-26T04~3a~19~3a~13.000Z');
    for (const id of ids.slice(0, 3)) expect(folderOf(id)).toMatch(/^[\w.~-]+$/);
  });
});
