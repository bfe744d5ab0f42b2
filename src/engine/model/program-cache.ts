import type { Executable } from '../runtime/executable';

interface Entry {
  readonly executable: Executable;
  /** Estimated bytes of its session. */
  readonly bytes: number;
  /** Bytes that other programs may take while it runs. */
  readonly beside: number;
  /** Number of holders; without any the program is idle, kept for the next caller. */
  users: number;
  /** Runs in progress. */
  running: number;
  /** Whether its session was released to make room, so that a holder must compile it again. */
  gone: boolean;
}

/** A holder's share in a program. */
export interface Hold {
  readonly executable: Executable;
  /** Whether the program was released although it is held. */
  readonly gone: boolean;
  /** Calls `run` while the program cannot be released, and others take no more than may exist beside it. */
  use<T>(run: () => Promise<T>): Promise<T>;
  release(): Promise<void>;
}

export interface CacheLimits {
  /** Bytes of all programs above which idle ones are released. The one used last is kept up to `resident`. */
  readonly idle: number;
  /**
   * Bytes above which programs are released although they are held, unless they run; their holders compile
   * them again.
   */
  readonly resident: number;
}

/**
 * Compiled programs, kept after their last use while all of them together fit into a number of bytes: the
 * least recently used is released first, idle ones before held ones, and running ones never. Each program
 * here holds one reference in the runtime.
 */
export class ProgramCache {
  /** Least recently used first. */
  private readonly entries = new Map<Executable, Entry>();

  constructor(readonly limits: CacheLimits) {}

  /** Bytes of all programs kept or in use. */
  get bytes(): number {
    let sum = 0;
    for (const entry of this.entries.values()) sum += entry.bytes;
    return sum;
  }

  get size(): number {
    return this.entries.size;
  }

  /**
   * Takes over what `Runtime.compile` returned, with its reference.
   * @param beside bytes that other programs may take while it runs, if it needs the rest itself
   */
  async hold(executable: Executable, bytes: number, beside = Number.POSITIVE_INFINITY): Promise<Hold> {
    const known = this.entries.get(executable);
    const entry = known ?? { executable, bytes, beside, users: 0, running: 0, gone: false };
    entry.users++;
    this.touch(entry);
    // One reference is enough, however many holders the program has here.
    if (known) await executable.dispose();
    let held = true;
    return {
      executable,
      get gone() {
        return entry.gone;
      },
      use: async (run) => {
        entry.running++;
        this.touch(entry);
        try {
          if (Number.isFinite(entry.beside))
            await Promise.all(this.release(entry.bytes + entry.beside, () => true));
          return await run();
        } finally {
          entry.running--;
        }
      },
      release: async () => {
        if (!held) return;
        held = false;
        entry.users--;
        await this.makeRoom(0);
      },
    };
  }

  /**
   * Releases programs until `bytes` more fit, or none may be released. Resolves when their sessions are gone.
   * @param bytes of a program that is about to be compiled; 0 after one has become idle
   */
  async makeRoom(bytes: number): Promise<void> {
    const { idle, resident } = this.limits;
    const last = [...this.entries.values()].at(-1);
    await Promise.all([
      // What was used last will probably be needed again, however large it is.
      ...this.release(idle - bytes, (entry) => entry.users === 0 && (bytes > 0 || entry !== last)),
      ...this.release(resident - bytes, () => true),
    ]);
  }

  /** Releases all programs, in use or not. */
  async dispose(): Promise<void> {
    const all = [...this.entries.keys()];
    this.entries.clear();
    await Promise.all(all.map((executable) => executable.dispose()));
  }

  /**
   * Starts releasing programs that may go and are not running, the least recently used first, until all
   * together take at most `limit` bytes.
   */
  private release(limit: number, may: (entry: Entry) => boolean): Promise<void>[] {
    const going: Promise<void>[] = [];
    for (const entry of [...this.entries.values()]) {
      if (this.bytes <= limit) break;
      if (entry.running > 0 || !may(entry)) continue;
      this.entries.delete(entry.executable);
      entry.gone = true;
      going.push(entry.executable.dispose());
    }
    return going;
  }

  private touch(entry: Entry): void {
    if (entry.gone) return;
    this.entries.delete(entry.executable);
    this.entries.set(entry.executable, entry);
  }
}
