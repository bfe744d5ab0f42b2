import { throwIfCancelled } from '../base/errors';
import { yieldToEventLoop } from '../base/yield-to-event-loop';

/** Longest piece of work, in ms, between two opportunities to cancel. */
const SLICE_MS = 30;

/** Options of a long computation. */
export interface Watched {
  /** An abort rejects with `CancelledError`. */
  readonly signal?: AbortSignal;
  /** Called with the share that is done, 0 … 1. */
  readonly onProgress?: (share: number) => void;
}

/** What else happens at a pause in the computation. */
export interface AtPauses {
  /** Awaited whenever the computation has yielded: it may wait, as a paused run does, or reject. */
  readonly between?: () => Promise<void>;
  /** Called with the share that is done of what `run` runs, 0 … 1. */
  readonly onShare?: (share: number) => void;
}

/** Lets a long computation on the CPU yield, so that it can be cancelled. */
export class Pace {
  private since = performance.now();

  constructor(
    private readonly what: string,
    private readonly signal: AbortSignal | undefined,
    private readonly atPauses: AtPauses = {},
  ) {}

  /** Call between pieces of a few milliseconds. Rejects with `CancelledError`. */
  async yieldToEventLoop(): Promise<void> {
    throwIfCancelled(this.signal, this.what);
    if (performance.now() - this.since <= SLICE_MS) return;
    await yieldToEventLoop();
    await this.atPauses.between?.();
    this.since = performance.now();
    throwIfCancelled(this.signal, this.what);
  }

  /** Runs `steps`, yielding between them, and returns their result; `onStep` is called with the share that each yields. */
  async run<T>(steps: Generator<number, T>, onStep?: (share: number) => void): Promise<T> {
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
      onStep?.(step.value);
      this.atPauses.onShare?.(step.value);
      await this.yieldToEventLoop();
    }
  }
}
