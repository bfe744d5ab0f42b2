import type { NamedFile } from '../contract/lens';
import { readJson } from '../text/json';
import {
  bytesOf,
  type DownloadPlan,
  keyOf,
  type Manifest,
  manifestSchema,
  planSchema,
} from './checkpoint-rows';
import { MANIFEST, PLAN } from './checkpoint-shelf';
import { guarded, StorageError, storageError } from './errors';
import { browserLocks } from './leases';
import { checkpointsFolder, fileIn, opfsUnavailable, removeIn } from './opfs';

/** The downloaded checkpoints: listing, opening and deleting them. */

export interface StoredCheckpoint {
  /** Name of its folder. */
  readonly key: string;
  readonly manifest: Manifest;
  readonly bytes: number;
}

/** A download that was cancelled or interrupted, or is still under way. */
export interface UnfinishedDownload {
  readonly key: string;
  readonly plan: DownloadPlan;
  /** Whether a tab, this one or another, is downloading it now. */
  readonly isUnderWay: boolean;
  /** Bytes received so far, and in total. */
  readonly received: number;
  readonly bytes: number;
}

/** A folder that this version of the page cannot read. */
export interface DamagedCheckpoint {
  readonly key: string;
  readonly reason: string;
  readonly bytes: number;
}

export interface LibraryList {
  /** Newest first. */
  readonly whole: readonly StoredCheckpoint[];
  readonly unfinished: readonly UnfinishedDownload[];
  readonly damaged: readonly DamagedCheckpoint[];
}

export interface Room {
  /** Bytes that this site uses, and may use; `null` if the browser does not say. */
  readonly used: number | null;
  readonly quota: number | null;
  /** Whether the browser has promised not to evict them. */
  readonly isPersistent: boolean;
}

/** Everything rejects with `StorageError`. */
export interface CheckpointLibrary {
  /** Why nothing can be stored, or `null`. */
  readonly unavailable: string | null;
  list(): Promise<LibraryList>;
  /** The manifest and the files of a complete checkpoint. No file's content is read yet. */
  files(key: string): Promise<{ readonly manifest: Manifest; readonly files: readonly NamedFile[] }>;
  /**
   * Marks `key` as used by this tab, so that it cannot be deleted, until the next call or the end of the tab.
   * `null`: none. Rejects if it is being downloaded or deleted.
   */
  use(key: string | null): Promise<void>;
  /** Rejects if it is in use or being downloaded, here or in another tab. */
  remove(key: string): Promise<void>;
  room(): Promise<Room>;
  /** Asks the browser not to delete what is stored when space gets short. @returns whether it agreed */
  persist(): Promise<boolean>;
}

/** The Web Lock of a checkpoint's folder: shared for readers, exclusive for whoever writes or deletes. */
export const lockOf = (key: string): string => `lori-checkpoint ${key}`;

const isBusy = () =>
  new StorageError(
    'it is being downloaded or deleted in another tab',
    'Wait for the other tab, or close it.',
  );

const noFile = (key: string, name: string) =>
  new StorageError(
    `${name} of the stored checkpoint ${key} is missing or has another size`,
    'The browser may have cleared a part of its storage: delete the checkpoint and download it again.',
  );

interface Entry {
  readonly manifest: Manifest | null;
  readonly plan: DownloadPlan | null;
  readonly reason: string;
  readonly sizes: ReadonlyMap<string, number>;
}

async function readEntry(folder: FileSystemDirectoryHandle, key: string): Promise<Entry> {
  const sizes = new Map<string, number>();
  for await (const [name, handle] of folder.entries())
    if (handle.kind === 'file') sizes.set(name, (await (handle as FileSystemFileHandle).getFile()).size);
  const read = async <T>(name: string, parse: (value: unknown) => T): Promise<T | string> => {
    const file = await fileIn(folder, name);
    if (file === null) return 'it has no manifest';
    try {
      return parse(readJson(new Uint8Array(await file.arrayBuffer())));
    } catch (cause) {
      return `${name} cannot be read (${cause instanceof Error ? cause.message.slice(0, 200) : String(cause)})`;
    }
  };
  const manifest = await read(MANIFEST, (value) => manifestSchema.parse(value));
  const plan = await read(PLAN, (value) => planSchema.parse(value));
  const own = (one: Manifest | DownloadPlan | string) =>
    typeof one !== 'string' && keyOf(one) === key ? one : null;
  const foreign = [manifest, plan].some((one) => typeof one !== 'string' && keyOf(one) !== key);
  return {
    manifest: own(manifest) as Manifest | null,
    plan: own(plan) as DownloadPlan | null,
    reason: foreign
      ? 'its manifest belongs to another checkpoint'
      : typeof manifest === 'string'
        ? manifest
        : '',
    sizes,
  };
}

/** The first file of the manifest that is missing or has the wrong size. */
const lacking = ({ files }: Manifest, sizes: ReadonlyMap<string, number>) =>
  files.find(({ storedAs, size }) => sizes.get(storedAs) !== size);

function planOf(manifest: Manifest): DownloadPlan {
  const { finishedAt, files, ...rest } = manifest;
  return {
    ...rest,
    startedAt: finishedAt,
    files: files.map(({ storedAs: _as, proof: _proof, ...file }) => file),
  };
}

/** Files that we wrote ourselves, not the model's. */
const isOurs = (name: string): boolean => name === MANIFEST || name === PLAN || name.endsWith('.etag');

function place(key: string, entry: Entry, isUnderWay: boolean): Partial<LibraryList> {
  const { manifest, plan, reason, sizes } = entry;
  const received = [...sizes].reduce((n, [name, size]) => n + (isOurs(name) ? 0 : size), 0);
  const bytes = [...sizes.values()].reduce((n, size) => n + size, 0);
  if (manifest !== null && lacking(manifest, sizes) === undefined)
    return { whole: [{ key, manifest, bytes: bytesOf(manifest.files) }] };
  const again = plan ?? (manifest === null ? null : planOf(manifest));
  if (again !== null)
    return { unfinished: [{ key, plan: again, isUnderWay, received, bytes: bytesOf(again.files) }] };
  return { damaged: [{ key, reason, bytes }] };
}

/** Runs `work` while nobody else uses the folder; rejects with `busy` if somebody does. */
export async function alone<T>(
  locks: LockManager | null,
  key: string,
  busy: () => Error,
  work: () => Promise<T>,
): Promise<T> {
  if (!locks) return work();
  return locks.request(lockOf(key), { ifAvailable: true }, (lock) => {
    if (lock === null) throw busy();
    return work();
  });
}

/** This browser's library. @param name of its folder */
export function openLibrary(name?: string, locks: LockManager | null = browserLocks()): CheckpointLibrary {
  const root = () => checkpointsFolder(name);
  let release: () => void = () => {};
  let used: string | null = null;

  return {
    unavailable: opfsUnavailable(),
    list: () =>
      guarded(async () => {
        const whole: StoredCheckpoint[] = [];
        const unfinished: UnfinishedDownload[] = [];
        const damaged: DamagedCheckpoint[] = [];
        const { held = [] } = (await locks?.query()) ?? {};
        const taken = new Set(held.filter(({ mode }) => mode === 'exclusive').map(({ name }) => name));
        for await (const [key, handle] of (await root()).entries()) {
          if (handle.kind !== 'directory') continue;
          const entry = await readEntry(handle as FileSystemDirectoryHandle, key);
          const found = place(key, entry, taken.has(lockOf(key)));
          whole.push(...(found.whole ?? []));
          unfinished.push(...(found.unfinished ?? []));
          damaged.push(...(found.damaged ?? []));
        }
        whole.sort((a, b) => b.manifest.finishedAt - a.manifest.finishedAt);
        unfinished.sort((a, b) => b.plan.startedAt - a.plan.startedAt);
        return { whole, unfinished, damaged };
      }),
    files: (key) =>
      guarded(async () => {
        const folder = await (await root()).getDirectoryHandle(key);
        const { manifest, sizes } = await readEntry(folder, key);
        const bad = manifest === null ? undefined : lacking(manifest, sizes);
        if (manifest === null || bad) throw noFile(key, bad?.path ?? MANIFEST);
        const files = await Promise.all(
          manifest.files.map(async ({ path, storedAs }) => {
            const data = await fileIn(folder, storedAs);
            if (data === null) throw noFile(key, path);
            return { name: path, data };
          }),
        );
        return { manifest, files };
      }),
    async use(key) {
      if (key === used) return;
      release();
      release = () => {};
      used = key;
      if (key === null || !locks) return;
      await new Promise<void>((resolve, reject) => {
        locks
          .request(lockOf(key), { mode: 'shared', ifAvailable: true }, (lock) => {
            if (lock === null) throw isBusy();
            resolve();
            return new Promise<void>((end) => {
              if (used === key) release = end;
              else end();
            });
          })
          .catch((error: unknown) => {
            used = null;
            reject(storageError(error));
          });
      });
    },
    remove: (key) =>
      guarded(() =>
        alone(
          locks,
          key,
          () =>
            new StorageError(
              used === key
                ? 'the model is open in this tab'
                : 'it is open or being downloaded in another tab',
              used === key
                ? 'Open another model first, or reload the page, and then delete it.'
                : 'Close the other tab, and then delete it.',
            ),
          async () => removeIn(await root(), key),
        ),
      ),
    room: () =>
      guarded(async () => {
        const { usage, quota } = (await navigator.storage?.estimate?.()) ?? {};
        return {
          used: usage ?? null,
          quota: quota ?? null,
          isPersistent: (await navigator.storage?.persisted?.()) ?? false,
        };
      }),
    persist: () => guarded(async () => (await navigator.storage?.persist?.()) ?? false),
  };
}

/** An empty library for a page that cannot store files; its methods reject with the reason. */
export const noLibrary = (reason: string): CheckpointLibrary => {
  const refuse = async () => {
    throw new StorageError(`nothing can be stored: ${reason}`, 'Open the model from a folder instead.');
  };
  return {
    unavailable: reason,
    list: async () => ({ whole: [], unfinished: [], damaged: [] }),
    files: refuse,
    use: async () => {},
    remove: refuse,
    room: async () => ({ used: null, quota: null, isPersistent: false }),
    persist: async () => false,
  };
};
