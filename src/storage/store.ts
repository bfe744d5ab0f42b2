import { evaluationKey } from '../contract/evaluation';
import { type SavedRun, savedRunSchema } from '../contract/saved-run';
import { Connection, type Database, LIMIT, OPENING_LIMIT } from './connection';
import { StorageError, storageError } from './errors';
import {
  deleteEvaluation,
  type EvaluationRow,
  type EvaluationRows,
  listEvaluations,
  readEvaluationRows,
  rowBeside,
  saveEvaluation,
  surplusEvaluations,
} from './evaluations';
import { browserLocks, type Heartbeats, Leases } from './leases';
import { type DamagedRow, defaultSettings, type Settings, settingsSchema } from './rows';
import type { StudentShelf } from './students';

/**
 * Maximum number of stored runs without a student, counted separately for the arena's runs, which must not
 * push out the others. Beyond it the oldest are dropped. Damaged rows do not count.
 */
export const MAX_RUNS = 50;
/** Tag of runs that belong to the arena. */
export const ARENA_TAG = 'arena';

/** The rows to drop. @param rows newest first  @param isNeeded rows that are never dropped */
export function surplusOf<Row extends Pick<SavedRun, 'id' | 'tags'>>(
  rows: readonly Row[],
  isNeeded: (id: string) => boolean,
): Row[] {
  const free = rows.filter(({ id }) => !isNeeded(id));
  const isOfArena = ({ tags = [] }: Row): boolean => tags.includes(ARENA_TAG);
  return [free.filter(isOfArena), free.filter((row) => !isOfArena(row))].flatMap((own) =>
    own.slice(MAX_RUNS),
  );
}

export interface RunList {
  /** Newest first. */
  readonly runs: readonly SavedRun[];
  readonly damaged: readonly DamagedRow[];
  /** Ids of runs in progress, here or in another tab. */
  readonly underWay: ReadonlySet<string>;
}

/** All methods reject with `StorageError`. */
export interface Store {
  /** Why nothing outlasts this page, or `null` if it does. */
  readonly unavailable: string | null;
  loadSettings(): Promise<Settings>;
  saveSettings(settings: Settings): Promise<void>;
  /** The stored arena as text, or `null` if there is none. */
  loadArena(): Promise<string | null>;
  saveArena(text: string): Promise<void>;
  listEvaluations(): Promise<EvaluationRows>;
  /**
   * Inserts the row, or adds its answers to those stored for the same weights, problems and request, which
   * another tab may have written: no answer is lost. Beyond a limit the oldest rows are dropped. @returns the
   * row as stored now
   */
  saveEvaluation(row: EvaluationRow): Promise<EvaluationRow>;
  /** @param key the row's `evaluationKey`, or the id of a damaged one */
  deleteEvaluation(key: string): Promise<void>;
  listRuns(): Promise<RunList>;
  /** Inserts or replaces. Rejects for a run that was deleted since it was first saved: it stays deleted. */
  saveRun(run: SavedRun): Promise<void>;
  /** Inserts or replaces a row whatever happened to it before: labels, or undoing a deletion. Rejects for a run in progress in another tab. */
  putRun(run: SavedRun): Promise<void>;
  /** Rejects for a run in progress in another tab. */
  deleteRun(id: string): Promise<void>;
  /**
   * Declares that this tab is training `id`, until `endRun` or the end of the tab: other tabs neither delete
   * it nor show it as interrupted.
   */
  beginRun(id: string): void;
  /** The same for a resumed run. @returns false if another tab is training it */
  claimRun(id: string): Promise<boolean>;
  endRun(id: string): void;
}

const HEARTBEAT_KEY = 'heartbeat ';

/** Sorts the stored rows, by key, into the readable ones, newest first, and what is wrong with the others. */
export function readRows(rows: ReadonlyMap<string, unknown>): Omit<RunList, 'underWay'> {
  const runs: SavedRun[] = [];
  const damaged: DamagedRow[] = [];
  for (const [id, row] of rows) {
    const parsed = savedRunSchema().safeParse(row);
    // Rows are deleted by id, so a row whose id is not its key could not be.
    if (parsed.success && parsed.data.id === id) runs.push(parsed.data);
    else if (parsed.success) damaged.push({ id, reason: 'its id does not match the key it is stored under' });
    else {
      const { path = [], message = 'not readable' } = parsed.error.issues[0] ?? {};
      damaged.push({ id, reason: `${path.join('.') || 'the row'}: ${message}`.slice(0, 200) });
    }
  }
  return { runs: runs.sort((a, b) => b.savedAt - a.savedAt), damaged };
}

const isUnderWay = () =>
  new StorageError(
    'the run is in progress in another tab, which would save it again',
    'Stop it there, or wait until it ends.',
  );

/** Keeps data for as long as the page is open. */
export function memoryStore(reason: string): Store {
  let settings: Settings = defaultSettings;
  let arena: string | null = null;
  const rows = new Map<string, SavedRun>();
  const evaluations = new Map<string, EvaluationRow>();
  const held = new Set<string>();
  return {
    unavailable: reason,
    loadSettings: async () => settings,
    saveSettings: async (next) => {
      settings = next;
    },
    loadArena: async () => arena,
    saveArena: async (text) => {
      arena = text;
    },
    listEvaluations: async () => readEvaluationRows(evaluations),
    saveEvaluation: async (row) => {
      const key = evaluationKey(row.evaluation);
      const all = rowBeside(row, evaluations.get(key));
      evaluations.set(key, structuredClone(all));
      for (const one of surplusEvaluations(readEvaluationRows(evaluations).rows)) evaluations.delete(one);
      return all;
    },
    deleteEvaluation: async (key) => {
      evaluations.delete(key);
    },
    listRuns: async () => ({ ...readRows(rows), underWay: new Set(held) }),
    saveRun: async (run) => {
      rows.set(run.id, structuredClone(run));
    },
    putRun: async (run) => {
      rows.set(run.id, structuredClone(run));
    },
    deleteRun: async (id) => {
      rows.delete(id);
    },
    beginRun: (id) => {
      held.add(id);
    },
    claimRun: async (id) => {
      held.add(id);
      return true;
    },
    endRun: (id) => {
      held.delete(id);
    },
  };
}

/** All rows by key, whatever they contain. */
async function rowsOf(db: Database): Promise<Map<string, unknown>> {
  const store = db.transaction('runs').store;
  const [keys, values] = await Promise.all([store.getAllKeys(), store.getAll()]);
  return new Map(keys.map((key, i) => [String(key), values[i]]));
}

/**
 * Drops the oldest readable rows beyond the limit, but never a run in progress nor one whose student is
 * stored.
 */
async function dropOldest(db: Database, needed: ReadonlySet<string>): Promise<void> {
  if ((await db.count('runs')) <= MAX_RUNS) return;
  const { runs } = readRows(await rowsOf(db));
  for (const { id } of surplusOf(runs, (one) => needed.has(one))) await db.delete('runs', id);
}

/**
 * `ours`: ids this tab has saved. If one of them is missing, it was deleted here or in another tab and must not reappear.
 * @returns whether the row is new
 */
async function putRun(db: Database, run: SavedRun, ours: Set<string>): Promise<boolean> {
  const transaction = db.transaction('runs', 'readwrite');
  const isKnown = (await transaction.store.getKey(run.id)) !== undefined;
  if (!isKnown && ours.has(run.id)) {
    await transaction.done;
    throw new StorageError(
      'it was deleted while it was in progress',
      'Download it as a file if you want to keep it after all.',
    );
  }
  await transaction.store.put(run, run.id);
  await transaction.done;
  ours.add(run.id);
  return !isKnown;
}

const heartbeatsIn = (connection: Connection): Heartbeats => ({
  read: () =>
    connection.use(async (db) => {
      const keys = (await db.getAllKeys('settings')).filter((key) => String(key).startsWith(HEARTBEAT_KEY));
      const times = await Promise.all(keys.map((key) => db.get('settings', key)));
      return new Map(keys.map((key, i) => [key.slice(HEARTBEAT_KEY.length), Number(times[i])]));
    }),
  write: (id, time) =>
    connection.use(async (db) => void (await db.put('settings', time, HEARTBEAT_KEY + id))),
  remove: (id) => connection.use((db) => db.delete('settings', HEARTBEAT_KEY + id)),
});

export interface StoreOptions {
  /** Milliseconds within which the browser must answer. */
  readonly limit?: number;
  /** Replaces the browser's locks; `null` for a page without any. */
  readonly locks?: LockManager | null;
  /** Where the runs' students are stored. */
  readonly students?: Pick<StudentShelf, 'list'>;
}

/**
 * This browser's store, or one in memory if the browser refuses (private window, blocked, no space) or does not answer. Never
 * rejects.
 */
export async function openStore(name = 'lori-playground', options: StoreOptions = {}): Promise<Store> {
  const { limit = LIMIT, locks, students } = options;
  const connection = new Connection(name, limit);
  try {
    await connection.use(async () => {}, Math.min(limit, OPENING_LIMIT));
  } catch (error) {
    return memoryStore(storageError(error).message);
  }
  const heartbeats = heartbeatsIn(connection);
  const leases = new Leases(heartbeats, locks === undefined ? browserLocks() : locks);
  const ours = new Set<string>();
  return {
    unavailable: null,
    loadSettings: () =>
      connection.use(async (db) =>
        settingsSchema.catch(defaultSettings).parse(await db.get('settings', 'settings')),
      ),
    saveSettings: (settings) =>
      connection.use(async (db) => void (await db.put('settings', settings, 'settings'))),
    loadArena: () =>
      connection.use(async (db) => {
        const text = await db.get('settings', 'arena');
        return typeof text === 'string' ? text : null;
      }),
    saveArena: (text) => connection.use(async (db) => void (await db.put('settings', text, 'arena'))),
    listEvaluations: () => connection.use(listEvaluations),
    saveEvaluation: (row) => connection.use((db) => saveEvaluation(db, row)),
    deleteEvaluation: (key) => connection.use((db) => deleteEvaluation(db, key)),
    async listRuns() {
      const rows = await connection.use(rowsOf);
      return { ...readRows(rows), underWay: await leases.underWay() };
    },
    async saveRun(run) {
      const isNew = await connection.use((db) => putRun(db, run, ours));
      if (!isNew) return;
      const kept = students ? await students.list().catch(() => null) : [];
      // The run is saved by now. If students cannot be listed, any run may have one, so none is dropped.
      if (kept === null) return;
      const needed = new Set([...(await leases.underWay()), ...kept.map((one) => one.run)]);
      await connection.use((db) => dropOldest(db, needed));
    },
    async putRun(run) {
      if (await leases.elsewhere(run.id)) throw isUnderWay();
      await connection.use((db) => db.put('runs', run, run.id));
    },
    async deleteRun(id) {
      if (await leases.elsewhere(id)) throw isUnderWay();
      await connection.use(async (db) => {
        for (const key of await db.getAllKeys('runs')) if (String(key) === id) await db.delete('runs', key);
      });
    },
    beginRun: (id) => leases.hold(id),
    claimRun: (id) => leases.claim(id),
    endRun: (id) => leases.release(id),
  };
}
