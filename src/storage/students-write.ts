import type { RunSnapshot } from '../contract/snapshot';
import { StorageError, storageError } from './errors';
import { type FileHandle, folderIn, removeIn, roomLeft, syncHandle } from './opfs';
import { digestOf, folderOf, newestFirst, parseSnapshotName, snapshotName } from './snapshot-names';

export interface SnapshotWrite {
  /** Name of the folder of all students. */
  readonly root: string;
  /** Id of the run. */
  readonly run: string;
  readonly snapshot: RunSnapshot;
}

const PART = '.part';
/** Space needed besides the file itself, for the index and the browser's own bookkeeping. */
const MARGIN = 2 ** 20;

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;

/** @throws StorageError if the browser has no room for `bytes` more */
async function checkRoom(bytes: number): Promise<void> {
  const left = await roomLeft();
  if (left === null || left >= bytes + MARGIN) return;
  throw new StorageError(
    `the student takes ${megabytes(bytes)}, and the browser has ${megabytes(left)} left for this site`,
    'Delete kept runs or stored models, or free space on the disk.',
  );
}

/**
 * Writes a snapshot, in a worker: under a temporary name, flushed, and only then renamed. The run's earlier
 * snapshots are deleted once the new one is in place, so that one of them is complete at any moment. Rejects
 * with `StorageError`.
 */
export async function writeSnapshotFile({ root, run, snapshot }: SnapshotWrite): Promise<void> {
  const { file, step, steps, status } = snapshot;
  try {
    await checkRoom(file.byteLength);
    const folder = await folderIn(root, folderOf(run));
    const digest = await digestOf(file);
    const name = snapshotName({ step, steps, status, digest });
    // Where files cannot be renamed, an incomplete one is recognised because its digest does not match its
    // name.
    const first = 'move' in FileSystemFileHandle.prototype ? name + PART : name;
    const handle = (await folder.getFileHandle(first, { create: true })) as FileHandle;
    await fill(handle, file);
    await handle.move?.(name);
    await removeOthers(folder, name);
  } catch (cause) {
    throw storageError(cause);
  }
}

async function fill(file: FileHandle, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const handle = await syncHandle(file);
  try {
    handle.truncate(0);
    const written = handle.write(bytes, { at: 0 });
    if (written !== bytes.byteLength)
      throw new DOMException('the disk took only a part of the bytes', 'QuotaExceededError');
    handle.flush();
  } finally {
    handle.close();
  }
}

/** Removes what the new file replaces. What cannot be removed now is removed with the next snapshot. */
async function removeOthers(folder: FileSystemDirectoryHandle, kept: string): Promise<void> {
  const names: string[] = [];
  for await (const name of folder.keys()) if (name !== kept) names.push(name);
  for (const name of names) await removeIn(folder, name).catch(() => {});
}

/** Names of the snapshots in a run's folder, newest first. */
export async function snapshotsIn(folder: FileSystemDirectoryHandle): Promise<string[]> {
  const found: { name: string; parsed: NonNullable<ReturnType<typeof parseSnapshotName>> }[] = [];
  for await (const name of folder.keys()) {
    const parsed = parseSnapshotName(name);
    if (parsed) found.push({ name, parsed });
  }
  return found.sort((a, b) => newestFirst(a.parsed, b.parsed)).map(({ name }) => name);
}
