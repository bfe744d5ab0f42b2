import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import { defaultSettings, type SavedRun, type Settings, savedRunSchema, settingsSchema } from './rows';

/** Most runs kept; the oldest make room. */
export const LARGEST_COUNT = 50;

export interface Store {
  /** Why nothing is kept beyond this page, or `null` if it is. */
  readonly unavailable: string | null;
  loadSettings(): Promise<Settings>;
  saveSettings(settings: Settings): Promise<void>;
  /** Newest first. `damaged` rows are left where they are and skipped. */
  listRuns(): Promise<{ readonly runs: readonly SavedRun[]; readonly damaged: number }>;
  /** Inserts or replaces. */
  saveRun(run: SavedRun): Promise<void>;
  deleteRun(id: string): Promise<void>;
}

interface Schema extends DBSchema {
  settings: { key: string; value: unknown };
  runs: { key: string; value: unknown; indexes: { savedAt: number } };
}

function readRows(rows: readonly unknown[]) {
  const runs: SavedRun[] = [];
  let damaged = 0;
  for (const row of rows) {
    const parsed = savedRunSchema.safeParse(row);
    if (parsed.success) runs.push(parsed.data);
    else damaged++;
  }
  return { runs: runs.sort((a, b) => b.savedAt - a.savedAt), damaged };
}

/** Keeps things as long as the page lives. */
export function memoryStore(reason: string): Store {
  let settings: Settings = defaultSettings;
  const rows = new Map<string, SavedRun>();
  return {
    unavailable: reason,
    loadSettings: async () => settings,
    saveSettings: async (next) => {
      settings = next;
    },
    listRuns: async () => readRows([...rows.values()]),
    saveRun: async (run) => {
      rows.set(run.id, structuredClone(run));
    },
    deleteRun: async (id) => {
      rows.delete(id);
    },
  };
}

async function dropOldest(db: IDBPDatabase<Schema>): Promise<void> {
  const transaction = db.transaction('runs', 'readwrite');
  let excess = (await transaction.store.count()) - LARGEST_COUNT;
  // Rows without a readable time are not in the index, so they are never dropped by age.
  for (let cursor = await transaction.store.index('savedAt').openCursor(); cursor && excess > 0; excess--) {
    await cursor.delete();
    cursor = await cursor.continue();
  }
  await transaction.done;
}

/** The store of this browser; one in memory where the browser refuses (private window, blocked, no space). */
export async function openStore(name = 'lori-playground'): Promise<Store> {
  let db: IDBPDatabase<Schema>;
  try {
    db = await openDB<Schema>(name, 1, {
      upgrade(database) {
        database.createObjectStore('settings');
        database.createObjectStore('runs').createIndex('savedAt', 'savedAt');
      },
      // Another tab has a later version of the page, or deletes the data: it must not wait for us.
      blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
    });
  } catch (error) {
    return memoryStore(error instanceof Error ? error.message : String(error));
  }
  return {
    unavailable: null,
    async loadSettings() {
      return settingsSchema.catch(defaultSettings).parse(await db.get('settings', 'settings'));
    },
    async saveSettings(settings) {
      await db.put('settings', settings, 'settings');
    },
    async listRuns() {
      return readRows(await db.getAll('runs'));
    },
    async saveRun(run) {
      await db.put('runs', run, run.id);
      await dropOldest(db);
    },
    async deleteRun(id) {
      await db.delete('runs', id);
    },
  };
}
