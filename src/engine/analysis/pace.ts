import { throwIfCancelled } from '../base/errors';
import { yieldToEventLoop } from '../base/yield-to-event-loop';

/** Longest stretch of work, in ms, between two chances to cancel. */
const SLICE_MS = 30;

/** What a long computation here takes besides its numbers. */
export interface Watched {
  /** An abort rejects with `CancelledError`. */
  readonly signal?: AbortSignal;
  /** Called with the share done, 0 … 1. */
  readonly onProgress?: (share: number) => void;
}

/** Lets a long computation on the CPU give way, so that a cancel can be heard. */
export class Pace {
  private since = performance.now();

  constructor(
    private readonly what: string,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** Call between pieces of a few milliseconds. Rejects with `CancelledError`. */
  async yieldToEventLoop(): Promise<void> {
    throwIfCancelled(this.signal, this.what);
    if (performance.now() - this.since <= SLICE_MS) return;
    await yieldToEventLoop();
    this.since = performance.now();
    throwIfCancelled(this.signal, this.what);
  }

  /** What `steps` returns, given way between them; `onStep` hears the share that each yields. */
  async run<T>(steps: Generator<number, T>, onStep?: (share: number) => void): Promise<T> {
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
      onStep?.(step.value);
      await this.yieldToEventLoop();
    }
  }
}
