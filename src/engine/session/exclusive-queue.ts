import { CancelledError } from '../base/errors';

interface Task {
  /** Whether it may be done between two steps of a run. */
  readonly between: boolean;
  run(): Promise<void>;
}

/**
 * One line for everything that uses the models: each piece of work begins when those asked for before it have ended. A
 * run, which takes minutes, lets in what waits next in the line between two of its steps, and while it is paused.
 */
export class ExclusiveQueue {
  private readonly line: Task[] = [];
  private busy = false;
  private arrived: (() => void) | undefined;

  /** In turn, after everything before. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.add(false, work);
  }

  /**
   * In turn, or between two steps of the run that has its turn. Where `signal` is aborted while the work waits, it is
   * not begun. @throws CancelledError
   */
  between<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.add(true, work, signal);
  }

  /**
   * For the run that has its turn: does what waits now, until something has to wait for the run's end. What is asked for
   * meanwhile waits for the next time, so that the run gets on.
   */
  async serve(): Promise<void> {
    for (let waiting = this.line.length; waiting > 0 && this.line[0]?.between; waiting--)
      await (this.line.shift() as Task).run();
  }

  /** Resolves when `serve` has something to do. */
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
        reject(new CancelledError('the call was cancelled while it waited for its turn'));
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
    // Not before the caller has its promise.
    await undefined;
    for (let task = this.line.shift(); task; task = this.line.shift()) await task.run();
    this.busy = false;
  }
}
