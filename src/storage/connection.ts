import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import { StorageError, storageError } from './errors';

export interface Schema extends DBSchema {
  /** Settings, and the heartbeats of runs in progress. */
  settings: { key: string; value: unknown };
  runs: { key: string; value: unknown; indexes: { savedAt: number } };
  /** Since version 2. */
  evaluations: { key: string; value: unknown };
}

const VERSION = 2;

export type Database = IDBPDatabase<Schema>;

/**
 * Milliseconds after which the browser is taken to answer no more. Where every core is busy a row was seen to take more than 8 s, and
 * whoever gives up earlier keeps nothing.
 */
export const LIMIT = 50_000;

/** The same for opening the database, which the page waits for before it loads anything. */
export const OPENING_LIMIT = 20_000;

/** Rejects with `StorageError` if the browser does not answer within `limit` ms. */
export async function within<T>(limit: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new StorageError(
            `the browser's storage did not respond within ${Math.round(limit / 1000)} s`,
            'Close other tabs of this page and reload it; if that does not help, restart the browser.',
          ),
        ),
      limit,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The database, reopened whenever it was closed: by us, so as not to block another tab with a newer version
 * of the page, or by the browser (site data cleared, storage failed).
 */
export class Connection {
  private opening: Promise<Database> | undefined;

  constructor(
    private readonly name: string,
    private readonly limit = LIMIT,
  ) {}

  /** Runs `work`, and retries once on a new connection if the first was closed during it. Rejects with `StorageError`. */
  async use<T>(work: (db: Database) => Promise<T>, limit = this.limit): Promise<T> {
    const attempt = async () => work(await this.database());
    try {
      return await within(
        limit,
        attempt().catch((error: unknown) => {
          if ((error as Error | undefined)?.name !== 'InvalidStateError') throw error;
          this.opening = undefined;
          return attempt();
        }),
      );
    } catch (cause) {
      throw storageError(cause);
    }
  }

  private database(): Promise<Database> {
    const forget = () => {
      this.opening = undefined;
    };
    const blocking = (_current: number, _blocked: number | null, event: IDBVersionChangeEvent) => {
      (event.target as IDBDatabase).close();
      forget();
    };
    if (this.opening) return this.opening;
    const opening = openDB<Schema>(this.name, VERSION, {
      upgrade(database, from) {
        if (from < 1) {
          database.createObjectStore('settings');
          database.createObjectStore('runs').createIndex('savedAt', 'savedAt');
        }
        database.createObjectStore('evaluations');
      },
      blocking,
      terminated: forget,
    }).catch(async (error: unknown) => {
      // A newer version of the page has changed the database: the parts we know may still be there.
      if ((error as Error | undefined)?.name !== 'VersionError') throw error;
      const db = await openDB<Schema>(this.name, undefined, { blocking, terminated: forget });
      if (db.objectStoreNames.contains('runs') && db.objectStoreNames.contains('settings')) return db;
      db.close();
      throw new StorageError(
        `a later version of this page stores its data here in another format (database version ${db.version})`,
        'Reload the page to get that version.',
      );
    });
    this.opening = opening;
    opening.catch(forget);
    return opening;
  }
}
