import type { Executable } from '../runtime/executable';

interface Entry {
  /** Estimated bytes of its session. */
  readonly bytes: number;
  /** Number of holders; without any the program is idle, kept for the next caller. */
  users: number;
}

/**
 * Compiled programs, kept after their last use while all of them together fit into a number of bytes: the least recently
 * used is released first, and one in use never is. Each program here holds one reference in the runtime.
 */
export class ProgramCache {
  /** Least recently used first. */
  private readonly entries = new Map<Executable, Entry>();

  constructor(readonly maxBytes: number) {}

  /** Bytes of all programs kept or in use. */
  get bytes(): number {
    let sum = 0;
    for (const entry of this.entries.values()) sum += entry.bytes;
    return sum;
  }

  get size(): number {
    return this.entries.size;
  }

  /** Takes over what `Runtime.compile` returned, with its reference. @returns a function that gives it back */
  async hold(executable: Executable, bytes: number): Promise<() => Promise<void>> {
    const known = this.entries.get(executable);
    const entry = known ?? { bytes, users: 0 };
    entry.users++;
    this.entries.delete(executable);
    this.entries.set(executable, entry);
    // One reference is enough, however many holders the program has here.
    if (known) await executable.dispose();
    let held = true;
    return async () => {
      if (!held) return;
      held = false;
      entry.users--;
      await this.makeRoom(0);
    };
  }

  /** Releases idle programs until `bytes` more fit, or none is idle. Resolves when their sessions are gone. */
  async makeRoom(bytes: number): Promise<void> {
    const going: Promise<void>[] = [];
    for (const [executable, { users }] of this.entries) {
      if (this.bytes + bytes <= this.maxBytes) break;
      if (users > 0) continue;
      this.entries.delete(executable);
      going.push(executable.dispose());
    }
    await Promise.all(going);
  }

  /** Releases all programs, in use or not. */
  async dispose(): Promise<void> {
    const all = [...this.entries.keys()];
    this.entries.clear();
    await Promise.all(all.map((executable) => executable.dispose()));
  }
}
