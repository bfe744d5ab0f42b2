import type { StoreApi } from 'zustand/vanilla';
import type { Methods } from '../../contract/methods/method';
import { type ModelSources, noSources } from '../../hub/index';
import { noPageCopy, type PageCopy } from '../../storage/page-copy';
import type { Store } from '../../storage/store';
import { noStudents, type StudentShelf } from '../../storage/students';
import { MAX_MESSAGE, shorten } from '../../text/quote';
import type { Connection } from '../../worker/client';
import type { LensState } from './lens';
import { type RunAction, reduceRun } from './run';
import type { AppState } from './state';
import { failureOf } from './task';
import { CANCEL_LIMIT, type Slot, type TaskDriver, taskDriver } from './task-driver';
import type { LatentsState } from './thoughts';

/** What all actions share: the state, the engine and the storage. */
export interface Context {
  get(): AppState;
  set(change: Partial<AppState>): void;
  latents(change: Partial<LatentsState>): void;
  lens(change: Partial<LensState>): void;
  run(action: RunAction): void;
  /** A driver for the task in this slot of the state. */
  task<T>(slot: Slot<T>): TaskDriver<T>;
  notify(kind: 'info' | 'warning', text: string): void;
  /** The engine, started on first use. Throws if it is dead. */
  engine(): Connection;
  /** Drops the engine, dead or alive; the next call of `engine` starts another. */
  dropEngine(): void;
  /** Bytes of its WebAssembly memory; 0 if unknown. */
  heapBytes(): number;
  readonly storage: Promise<Store>;
  readonly sources: ModelSources;
  /** The access token for huggingface.co. Not part of the state, so that nothing that copies, stores or shows the state has it. */
  readonly hubToken: { get(): string | null; set(token: string | null): void };
  /** Milliseconds until a run whose GPU was lost resumes by itself; undefined for the default. */
  readonly resumeAfter: number | undefined;
  /** Where runs store their students. */
  readonly students: StudentShelf;
  /** Calls `listener` whenever the page is hidden or left, which may be the last chance to store something. */
  onHide(listener: () => void): void;
  /** The page's own files, kept for use without its host. */
  readonly pageCopy: PageCopy;
  /** Folder of the bundled pair. */
  readonly pairUrl: string;
}

export interface Environment {
  /** Starts an engine. */
  readonly connect: () => Connection;
  readonly storage: Promise<Store>;
  /** Model hosts and stored downloads; none by default. */
  readonly sources?: ModelSources;
  /** Where runs store their students; nowhere by default. */
  readonly students?: StudentShelf;
  /** Where the page's own files are kept; nowhere by default. */
  readonly pageCopy?: PageCopy;
  readonly hash: string;
  readonly pairUrl: string;
  /** The methods that can be trained; all by default. */
  readonly methods?: Methods;
  /** Milliseconds within which the engine must respond to a cancellation. */
  readonly cancelLimit?: number;
  /** Milliseconds until a run whose GPU was lost resumes by itself. */
  readonly resumeAfter?: number;
  readonly onHide?: (listener: () => void) => void;
}

export function createContext(
  store: StoreApi<AppState>,
  environment: Environment,
  onDeath: (error: Error) => void,
): Context {
  let connection: Connection | null = null;
  let nextNotice = 1;
  let token: string | null = null;
  const get = store.getState;
  const set = (change: Partial<AppState>) => store.setState(change);
  return {
    get,
    set,
    latents: (change) => set({ latents: { ...get().latents, ...change } }),
    lens: (change) => set({ lens: { ...get().lens, ...change } }),
    run: (action) => set({ run: reduceRun(get().run, action) }),
    task: (slot) => taskDriver(slot, environment.cancelLimit ?? CANCEL_LIMIT),
    notify(kind, said) {
      const text = shorten(said, MAX_MESSAGE);
      if (get().notices.some((notice) => notice.text === text)) return;
      set({ notices: [...get().notices, { id: nextNotice++, kind, text }] });
    },
    engine() {
      if (!connection) {
        const started = environment.connect();
        connection = started;
        started.onDeath((error) => {
          if (connection !== started) return;
          set({ dead: failureOf(error) });
          onDeath(error);
        });
      }
      return connection;
    },
    heapBytes: () => connection?.heapBytes?.() ?? 0,
    dropEngine() {
      const old = connection;
      connection = null;
      old?.dispose();
    },
    storage: environment.storage,
    sources: environment.sources ?? noSources,
    hubToken: {
      get: () => token,
      set: (next) => {
        token = next;
      },
    },
    resumeAfter: environment.resumeAfter,
    students: environment.students ?? noStudents('this page has no storage'),
    pageCopy: environment.pageCopy ?? noPageCopy,
    onHide: environment.onHide ?? (() => {}),
    pairUrl: environment.pairUrl,
  };
}
