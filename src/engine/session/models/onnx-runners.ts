import type { Runtime } from '../../runtime/runtime';
import type { OnnxExport } from './onnx-export';
import { OnnxRunner } from './onnx-runner';

interface Entry {
  readonly made: Promise<OnnxRunner>;
  users: number;
  closed: boolean;
}

/**
 * The ONNX exports on one runtime, each opened once, when it is first run, and kept for the next call until
 * it is closed; then it is freed with its last user.
 */
export class OnnxRunners {
  private readonly entries = new Map<OnnxExport, Entry>();
  private readonly closed = new WeakSet<OnnxExport>();

  constructor(private readonly runtime: Runtime) {}

  /** Runs `work` with the export on the device. @throws what `OnnxRunner.open` throws */
  async use<T>(
    file: OnnxExport,
    signal: AbortSignal | undefined,
    work: (runner: OnnxRunner) => Promise<T>,
  ): Promise<T> {
    const entry = this.entry(file, signal);
    entry.users++;
    try {
      return await work(await entry.made);
    } finally {
      entry.users--;
      if (entry.closed && entry.users === 0) await this.end(entry);
    }
  }

  async close(file: OnnxExport): Promise<void> {
    this.closed.add(file);
    await this.forget(file);
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.entries.keys()].map((file) => this.forget(file)));
  }

  private async forget(file: OnnxExport): Promise<void> {
    const entry = this.entries.get(file);
    this.entries.delete(file);
    if (!entry) return;
    entry.closed = true;
    if (entry.users === 0) await this.end(entry);
  }

  private entry(file: OnnxExport, signal: AbortSignal | undefined): Entry {
    const known = this.entries.get(file);
    if (known) return known;
    // Closed while a call in progress still uses it: only that call holds it.
    const closed = this.closed.has(file);
    const entry: Entry = { made: OnnxRunner.open(this.runtime, file, signal), users: 0, closed };
    if (!closed) this.entries.set(file, entry);
    // A failed opening may be retried.
    entry.made.catch(() => {
      if (this.entries.get(file) === entry) this.entries.delete(file);
    });
    return entry;
  }

  private async end({ made }: Entry): Promise<void> {
    const runner = await made.catch(() => undefined);
    await runner?.dispose();
  }
}
