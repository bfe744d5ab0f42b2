/** Pause, resume and stop, from outside a running loop. */
export class LoopControl {
  private waiting: Promise<void> | undefined;
  private release: (() => void) | undefined;
  private failure: Error | undefined;
  stopped = false;
  /** Called when the loop has actually paused, and when it resumes. */
  onState: ((state: 'running' | 'paused') => void) | undefined;
  /** Awaited before the loop pauses. */
  beforePause: (() => Promise<void>) | undefined;

  pause(): void {
    this.waiting ??= new Promise((resolve) => {
      this.release = resolve;
    });
  }

  resume(): void {
    this.release?.();
    this.waiting = undefined;
    this.release = undefined;
  }

  /** Ends the loop after the current step. */
  stop(): void {
    this.stopped = true;
    this.resume();
  }

  /** Ends a pause with an error; a loop that is not paused meets what caused it by itself. */
  interrupt(error: Error): void {
    this.failure = error;
    this.resume();
  }

  /**
   * Waits while the loop is paused, and serves other work.
   * @throws what the pause was interrupted with
   */
  async pass(others?: QueuedCalls): Promise<void> {
    await others?.serve();
    if (!this.waiting) return;
    await this.beforePause?.();
    // It may have been resumed meanwhile.
    if (!this.waiting) return;
    this.onState?.('paused');
    while (this.waiting) {
      await (others ? Promise.race([this.waiting, others.arrival()]) : this.waiting);
      await others?.serve();
    }
    if (this.failure) throw this.failure;
    this.onState?.('running');
  }
}

/** Work from outside the loop, served between two of its steps. */
export interface QueuedCalls {
  /** Does the waiting work. A failure reaches whoever requested the work, never the loop. */
  serve(): Promise<void>;
  /** Resolves when something is waiting. */
  arrival(): Promise<void>;
}
