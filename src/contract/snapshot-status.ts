/**
 * What a snapshot is of, by itself, because the worker that writes snapshots needs no more: `done` holds the student alone; the
 * others hold the moments too, and training can go on from them.
 */
export const SNAPSHOT_STATUS = ['training', 'stopped', 'done'] as const;
export type SnapshotStatus = (typeof SNAPSHOT_STATUS)[number];
