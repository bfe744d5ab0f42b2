import type { RunSnapshot } from '../contract/snapshot';
import type { SnapshotStatus } from '../contract/snapshot-status';
import { LIMIT, within } from './connection';
import { guarded, StorageError, storageError } from './errors';
import { fileIn, folderIn, opfsUnavailable, removeIn, roomLeft } from './opfs';
import { digestOf, folderOf, parseSnapshotName, runOf } from './snapshot-names';
import type { FromWriter, ToWriter } from './students-host';
import { snapshotsIn } from './students-write';

/**
 * Students stored in this browser, with what their runs need to resume: one folder per run, holding its
 * latest snapshot.
 */

/** What is stored of a run. */
export interface KeptStudent {
  /** Id of the run. */
  readonly run: string;
  readonly step: number;
  readonly steps: number;
  readonly status: SnapshotStatus;
  readonly bytes: number;
}

/** Everything rejects with `StorageError`. */
export interface StudentShelf {
  /** Why nothing can be stored, or `null`. */
  readonly unavailable: string | null;
  list(): Promise<readonly KeptStudent[]>;
  /** Stores a snapshot in place of the run's earlier ones. Its file's buffer is transferred. */
  write(run: string, snapshot: RunSnapshot): Promise<void>;
  /** The run's latest complete snapshot. */
  read(run: string): Promise<Uint8Array<ArrayBuffer>>;
  remove(run: string): Promise<void>;
  /** Bytes left for more; `null` if the browser does not say. */
  room(): Promise<number | null>;
}

const FOLDER = 'students';

const missing = (run: string) =>
  new StorageError(
    `no student of the run ${run} is kept`,
    'It may have been deleted in another tab, or the browser cleared its storage. Start the run again.',
  );

/** Writes in a worker, started for the first snapshot and again after a failure. */
class Writer {
  private worker: Worker | undefined;
  private ready: Promise<Worker> | undefined;
  private readonly pending = new Map<number, { resolve(): void; reject(error: Error): void }>();
  private ids = 0;

  async write(message: Omit<ToWriter, 'id'>): Promise<void> {
    const worker = await this.started();
    const id = ++this.ids;
    const done = new Promise<void>((resolve, reject) => this.pending.set(id, { resolve, reject }));
    worker.postMessage({ ...message, id } satisfies ToWriter, [message.snapshot.file.buffer]);
    try {
      await within(LIMIT, done);
    } catch (error) {
      // A worker killed by the browser never answers, so the next snapshot starts a new one.
      if (this.pending.has(id)) this.end();
      throw error;
    } finally {
      this.pending.delete(id);
    }
  }

  private end(): void {
    this.worker?.terminate();
    this.ready = undefined;
  }

  private started(): Promise<Worker> {
    this.ready ??= new Promise<Worker>((resolve, reject) => {
      const worker = new Worker(new URL('./students-host.ts', import.meta.url), {
        type: 'module',
        name: 'students',
      });
      this.worker = worker;
      worker.addEventListener('message', ({ data }: MessageEvent<FromWriter>) => {
        if (data.kind === 'ready') return resolve(worker);
        const call = this.pending.get(data.id);
        this.pending.delete(data.id);
        if (data.kind === 'written') call?.resolve();
        else call?.reject(new StorageError(data.error.message, data.error.hint));
      });
      worker.addEventListener('error', (event) => {
        event.preventDefault();
        const error = storageError(new Error(event.message || 'the worker that writes students crashed'));
        reject(error);
        for (const call of this.pending.values()) call.reject(error);
        this.pending.clear();
        this.end();
      });
    });
    const { ready } = this;
    return within(LIMIT, ready).catch((error: unknown) => {
      if (this.ready === ready) this.end();
      throw error;
    });
  }
}

/** This browser's students, or `noStudents` if it cannot store files. @param root name of their folder */
export function openStudents(root = FOLDER): StudentShelf {
  const why = opfsUnavailable();
  if (why !== null) return noStudents(why);
  const writer = new Writer();
  return {
    unavailable: null,
    list: () =>
      guarded(async () => {
        const found: KeptStudent[] = [];
        for await (const [name, handle] of (await folderIn(root)).entries()) {
          if (handle.kind !== 'directory') continue;
          const folder = handle as FileSystemDirectoryHandle;
          // Another tab may delete the folder meanwhile.
          const [latest] = await snapshotsIn(folder).catch(() => []);
          const parsed = latest === undefined ? null : parseSnapshotName(latest);
          const file = latest === undefined ? null : await fileIn(folder, latest).catch(() => null);
          if (!parsed || !file) continue;
          const { step, steps, status } = parsed;
          found.push({ run: runOf(name), step, steps, status, bytes: file.size });
        }
        return found;
      }),
    write: (run, snapshot) => guarded(() => writer.write({ root, run, snapshot })),
    read: (run) =>
      guarded(async () => {
        const folder = await folderIn(root, folderOf(run));
        const names = await snapshotsIn(folder);
        for (const name of names) {
          const file = await fileIn(folder, name);
          if (!file) continue;
          const bytes = new Uint8Array(await file.arrayBuffer());
          if ((await digestOf(bytes)) === parseSnapshotName(name)?.digest) return bytes;
        }
        if (names.length === 0) throw missing(run);
        throw new StorageError(
          `the kept student of the run ${run} is damaged: its content differs from what was written`,
          'Delete it, and start the run again.',
        );
      }),
    remove: (run) => guarded(async () => removeIn(await folderIn(root), folderOf(run))),
    room: () => guarded(roomLeft),
  };
}

/** For a page that cannot store students: lists nothing, and rejects with the reason. */
export const noStudents = (reason: string): StudentShelf => ({
  unavailable: reason,
  list: async () => [],
  write: async () => {
    throw new StorageError(`students cannot be kept: ${reason}`, 'Download what you want to keep.');
  },
  read: async (run) => {
    throw missing(run);
  },
  remove: async () => {},
  room: async () => null,
});
