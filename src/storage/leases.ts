/**
 * Which runs are under way, in this tab or another. A tab that trains holds a Web Lock by the run's id, which the
 * browser takes back however the tab ends. Over plain http there are no locks: there a heartbeat, kept beside the rows,
 * has to do.
 */

/** Milliseconds between two heartbeats, and after how many without one a run counts as broken off. */
export const HEARTBEAT = 5_000;
export const SILENCE = 20_000;

/** Where heartbeats are kept: times in milliseconds since 1970, by run. */
export interface Heartbeats {
  read(): Promise<ReadonlyMap<string, number>>;
  write(id: string, time: number): Promise<void>;
  remove(id: string): Promise<void>;
}

const PREFIX = 'lori-run ';

/** The browser's locks, where it has any. */
export const browserLocks = (): LockManager | null =>
  (globalThis.navigator as Partial<Navigator> | undefined)?.locks ?? null;

export class Leases {
  /** Of this tab: ends the lease. */
  private readonly held = new Map<string, () => void>();

  constructor(
    private readonly heartbeats: Heartbeats,
    private readonly locks: LockManager | null,
  ) {}

  /** Says that this tab trains `id`, until `release` or the tab's end. */
  hold(id: string): void {
    if (this.held.has(id)) return;
    if (this.locks) {
      const ended = new Promise<void>((resolve) => this.held.set(id, resolve));
      // Where a lock is refused, this tab alone knows of the run.
      this.locks.request(PREFIX + id, () => ended).catch(() => {});
      return;
    }
    // A heartbeat that cannot be written is tried again with the next.
    const beat = () => void this.heartbeats.write(id, Date.now()).catch(() => {});
    const timer = setInterval(beat, HEARTBEAT);
    this.held.set(id, () => {
      clearInterval(timer);
      void this.heartbeats.remove(id).catch(() => {});
    });
    beat();
  }

  release(id: string): void {
    this.held.get(id)?.();
    this.held.delete(id);
  }

  /** Ids of the runs under way anywhere in this browser. */
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

  /** Whether another tab trains `id`. */
  async elsewhere(id: string): Promise<boolean> {
    return !this.held.has(id) && (await this.underWay()).has(id);
  }
}
