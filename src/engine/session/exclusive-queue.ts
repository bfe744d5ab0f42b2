import { CancelledError } from '../base/errors';

interface Task {
  /** Whether it may be served between two steps of a run. */
  readonly between: boolean;
  run(): Promise<void>;
}

/**
 * One queue for everything that uses the models: each piece of work starts when all earlier ones have ended. A run, which
 * takes minutes, serves whatever is next in the queue between two of its steps, and while it is paused.
 */
export class ExclusiveQueue {
  private readonly line: Task[] = [];
  private busy = false;
  private arrived: (() => void) | undefined;

  /** Runs `work` after everything queued before it. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.add(false, work);
  }

  /**
   * Runs `work` after everything queued before it, or between two steps of the run in progress. If `signal`
   * is aborted while the work waits, it is not started. @throws CancelledError
   */
  between<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.add(true, work, signal);
  }

  /**
   * For the run in progress: serves what is waiting now, up to the first piece of work that must wait for the
   * run's end. What is queued meanwhile waits for the next call, so that the run makes progress.
   */
  async serve(): Promise<void> {
    for (let waiting = this.line.length; waiting > 0 && this.line[0]?.between; waiting--)
      await (this.line.shift() as Task).run();
  }

  /** Resolves when `serve` has something to serve. */
  arrival(): Promise<void> {
    if (this.line[0]?.between) return Promise.resolve();
    return new Promise((resolve) => {
      this.arrived = resolve;
    });
  }

  private add<T>(between: boolean, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const drop = (): void => {
        const at = this.line.indexOf(task);
        if (at < 0) return;
        this.line.splice(at, 1);
        reject(new CancelledError('the call was cancelled while it was waiting in the queue'));
      };
      const task: Task = {
        between,
        run: async () => {
          signal?.removeEventListener('abort', drop);
          try {
            resolve(await work());
          } catch (error) {
            reject(error);
          }
        },
      };
      signal?.addEventListener('abort', drop);
      this.line.push(task);
      if (between) this.arrived?.();
      void this.pump();
    });
  }

  private async pump(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    // Starts only after the caller has its promise.
    await undefined;
    for (let task = this.line.shift(); task; task = this.line.shift()) await task.run();
    this.busy = false;
  }
}
