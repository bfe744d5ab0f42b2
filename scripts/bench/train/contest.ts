/** One worker per contender, each a realm of its own, asked one at a time. */
import type { Ask, ContenderKind, Opened, Outputs, Reply, Task } from './protocol';

export interface Agreement {
  readonly losses: readonly number[];
  /** Largest over contenders and parameters of ‖g − g₀‖ / ‖g₀‖ against the first contender, and of |loss − loss₀| / |loss₀|. */
  readonly worst: number;
}

export interface Timing {
  /** Milliseconds of each timed step. */
  readonly steps: readonly number[];
  /** Bytes; 0 if no WebAssembly memory was seen. */
  readonly heap: number;
}

class Contender {
  private readonly worker = new Worker(new URL('./contender.worker.ts', import.meta.url), { type: 'module' });
  /** Time spent in it so far, ms. */
  spent = 0;
  readonly steps: number[] = [];

  async ask(ask: Ask): Promise<Reply> {
    const start = performance.now();
    const reply = await new Promise<Reply>((resolve) => {
      this.worker.onmessage = ({ data }: MessageEvent<Reply>) => resolve(data);
      this.worker.onerror = ({ message }) => resolve({ error: message || 'the worker failed' });
      this.worker.postMessage(ask);
    });
    if (reply.error) throw new Error(reply.error);
    this.spent += performance.now() - start;
    return reply;
  }

  /** Steps for about `slice` ms, at least one. */
  async turn(slice: number): Promise<void> {
    const end = performance.now() + slice;
    do {
      const { milliseconds } = await this.ask({ ask: 'step' });
      this.steps.push(milliseconds as number);
    } while (performance.now() < end);
  }

  close(): void {
    this.worker.terminate();
  }
}

export class Contest {
  private readonly contenders: readonly Contender[];

  constructor(
    private readonly task: Task,
    private readonly kinds: readonly ContenderKind[],
  ) {
    this.contenders = kinds.map(() => new Contender());
  }

  /** Compiles each, and runs its first step. */
  async open(): Promise<Opened[]> {
    const opened: Opened[] = [];
    for (const [i, contender] of this.contenders.entries()) {
      const kind = this.kinds[i] as ContenderKind;
      const reply = await contender.ask({ ask: 'open', contender: kind, task: this.task });
      opened.push(reply.opened as Opened);
    }
    return opened;
  }

  async verify(): Promise<Agreement> {
    const all: Outputs[] = [];
    for (const contender of this.contenders)
      all.push((await contender.ask({ ask: 'outputs' })).outputs as Outputs);
    const [first, ...others] = all as [Outputs, ...Outputs[]];
    let worst = 0;
    for (const { loss, gradients } of others) {
      const differences = [Math.abs(loss - first.loss) / Math.abs(first.loss)];
      first.gradients.forEach((g, i) => {
        differences.push(relativeError(gradients[i] as Float32Array, g));
      });
      // Written so that a NaN counts as the worst, and stays the worst.
      for (const difference of differences) if (!(difference <= worst)) worst = difference;
      if (Number.isNaN(worst)) break;
    }
    return { losses: all.map(({ loss }) => loss), worst };
  }

  /** Warm-up includes time since opening; a contender whose step takes longer than `seconds` is timed once. */
  async time(warmup: number, seconds: number): Promise<Timing[]> {
    await this.rounds((c) => c.spent < 1000 * warmup);
    const start = new Map(this.contenders.map((c) => [c, c.spent]));
    for (const contender of this.contenders) contender.steps.length = 0;
    await this.rounds((c) => c.spent - (start.get(c) as number) < 1000 * seconds);
    const timings: Timing[] = [];
    for (const contender of this.contenders) {
      const { heap } = await contender.ask({ ask: 'heap' });
      timings.push({ steps: contender.steps, heap: heap as number });
    }
    return timings;
  }

  close(): void {
    for (const contender of this.contenders) contender.close();
  }

  /** Alternates between contenders while any still needs time, so that what disturbs one disturbs the others. */
  private async rounds(short: (contender: Contender) => boolean): Promise<void> {
    while (this.contenders.some(short))
      for (const contender of this.contenders) if (short(contender)) await contender.turn(150);
  }
}

function relativeError(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.NaN;
  let [difference, norm] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference += ((actual[i] as number) - (expected[i] as number)) ** 2;
    norm += (expected[i] as number) ** 2;
  }
  return Math.sqrt(difference / norm);
}
