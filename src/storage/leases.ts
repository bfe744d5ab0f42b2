/**
 * Which runs are in progress, in this tab or another. A tab that trains holds a Web Lock named after the run,
 * which the browser releases no matter how the tab ends. Over plain http there are no locks: a heartbeat
 * stored beside the rows replaces them.
 */

/** Milliseconds between two heartbeats, and milliseconds without one after which a run counts as interrupted. */
export const HEARTBEAT = 5_000;
export const SILENCE = 20_000;

/** Storage for heartbeats: times in milliseconds since 1970, keyed by run. */
export interface Heartbeats {
  read(): Promise<ReadonlyMap<string, number>>;
  write(id: string, time: number): Promise<void>;
  remove(id: string): Promise<void>;
}

const PREFIX = 'lori-run ';

/** The browser's locks, if available. */
export const browserLocks = (): LockManager | null =>
  (globalThis.navigator as Partial<Navigator> | undefined)?.locks ?? null;

export class Leases {
  /** For each of this tab's runs, the function that ends its lease. */
  private readonly held = new Map<string, () => void>();

  constructor(
    private readonly heartbeats: Heartbeats,
    private readonly locks: LockManager | null,
  ) {}

  /** Declares that this tab trains `id`, until `release` or the end of the tab. */
  hold(id: string): void {
    if (this.held.has(id)) return;
    if (this.locks) {
      const ended = new Promise<void>((resolve) => this.held.set(id, resolve));
      // If the lock is refused, only this tab knows about the run.
      this.locks.request(PREFIX + id, () => ended).catch(() => {});
      return;
    }
    // A heartbeat that could not be written is retried with the next one.
    const beat = () => void this.heartbeats.write(id, Date.now()).catch(() => {});
    const timer = setInterval(beat, HEARTBEAT);
    this.held.set(id, () => {
      clearInterval(timer);
      void this.heartbeats.remove(id).catch(() => {});
    });
    beat();
  }

  /** Takes the lease on `id` unless another tab has it. @returns whether this tab has it now */
  async claim(id: string): Promise<boolean> {
    if (this.held.has(id)) return true;
    const { locks } = this;
    if (!locks) {
      if (await this.elsewhere(id)) return false;
      this.hold(id);
      return true;
    }
    return new Promise<boolean>((resolve) => {
      const take = (lock: Lock | null) => {
        resolve(lock !== null);
        return lock === null ? undefined : new Promise<void>((end) => this.held.set(id, end));
      };
      locks.request(PREFIX + id, { ifAvailable: true }, take).catch(() => resolve(false));
    });
  }

  release(id: string): void {
    this.held.get(id)?.();
    this.held.delete(id);
  }

  /** Ids of runs in progress anywhere in this browser. */
  async underWay(): Promise<ReadonlySet<string>> {
    const ids = new Set(this.held.keys());
    if (this.locks) {
      const { held = [] } = await this.locks.query();
      for (const { name = '' } of held) if (name.startsWith(PREFIX)) ids.add(name.slice(PREFIX.length));
      return ids;
    }
    for (const [id, time] of await this.heartbeats.read())
      if (Math.abs(Date.now() - time) < SILENCE) ids.add(id);
    return ids;
  }

  /** Whether another tab is training `id`. */
  async elsewhere(id: string): Promise<boolean> {
    return !this.held.has(id) && (await this.underWay()).has(id);
  }
}
