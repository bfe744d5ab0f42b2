import type { Progress } from '../../contract/events';
import { type Failure, failureOf, isBusy, isCancelled, reduceTask, type Task, type TaskEvent } from './task';

/** The task's slot in the page's state. */
export interface Slot<T> {
  get(): Task<T>;
  set(task: Task<T>): void;
}

/** What one attempt's work is given. */
export interface Turn<T> {
  readonly signal: AbortSignal;
  report(progress: Progress): void;
  /** Shows another value while the new one is being made. */
  show(value: T | null): void;
  reached(state: 'running' | 'paused'): void;
}

export type Outcome<T> =
  | { readonly status: 'done'; readonly value: T }
  | { readonly status: 'failed'; readonly error: Failure; readonly thrown: unknown }
  | { readonly status: 'cancelled' }
  /** It was already in progress. */
  | { readonly status: 'refused' };

export interface TaskDriver<T> {
  /**
   * Starts the task unless it is in progress. `prepare` provides what the work needs; if it resolves to false, it has already
   * reported why, and the task returns to its previous state.
   */
  start(work: (turn: Turn<T>) => Promise<T>, prepare?: () => Promise<boolean>): Promise<Outcome<T>>;
  /** The current attempt, if any. */
  current(): Promise<Outcome<T>> | null;
  cancel(): void;
  pause(): void;
  resume(): void;
  /** Abandons the current attempt: its outcome is ignored. */
  abandon(): void;
}

/** Milliseconds after which a cancellation counts as unheard. */
export const CANCEL_LIMIT = 10_000;

/** Counts attempts of all tasks, so that a state that is replaced as a whole never takes an old attempt's reports. */
let turns = 0;

/** Moves one task through its states. All changes go through `reduceTask`. */
export function taskDriver<T>(slot: Slot<T>, limit = CANCEL_LIMIT): TaskDriver<T> {
  let controller = new AbortController();
  let current: Promise<Outcome<T>> | null = null;
  const send = (event: TaskEvent<T>) => {
    const before = slot.get();
    const after = reduceTask(before, event);
    if (after !== before) slot.set(after);
  };

  const go = async (
    turn: number,
    signal: AbortSignal,
    work: (turn: Turn<T>) => Promise<T>,
    prepare?: () => Promise<boolean>,
  ): Promise<Outcome<T>> => {
    try {
      if (prepare && !(await Promise.race([prepare(), whenAborted(signal)]))) {
        send({ type: 'cancelled', turn });
        return { status: 'cancelled' };
      }
      signal.throwIfAborted();
      send({ type: 'begin', turn });
      const value = await work({
        signal,
        report: (progress) => send({ type: 'progress', turn, progress }),
        show: (shown) => send({ type: 'show', turn, value: shown }),
        reached: (state) => send({ type: 'reached', turn, state }),
      });
      const now = slot.get();
      const heard = now.turn === turn && isBusy(now);
      send({ type: 'succeed', turn, value });
      return heard ? { status: 'done', value } : { status: 'cancelled' };
    } catch (thrown) {
      const error = failureOf(thrown);
      const now = slot.get();
      // Shutting down an engine that did not respond to the cancellation completes it.
      const wasShutDown = now.turn === turn && now.status === 'cancelling' && error.code === 'worker';
      if (isCancelled(error) || wasShutDown) {
        send({ type: 'cancelled', turn });
        return { status: 'cancelled' };
      }
      send({ type: 'fail', turn, error });
      return { status: 'failed', error, thrown };
    }
  };

  return {
    start(work, prepare) {
      if (isBusy(slot.get())) return Promise.resolve({ status: 'refused' });
      const turn = ++turns;
      controller = new AbortController();
      send({ type: 'start', turn });
      const mine = go(turn, controller.signal, work, prepare).finally(() => {
        if (current === mine) current = null;
      });
      current = mine;
      return mine;
    },
    current: () => current,
    cancel() {
      const { turn, status } = slot.get();
      send({ type: 'cancel' });
      controller.abort();
      if (status !== 'cancelling') setTimeout(() => send({ type: 'unheard', turn }), limit);
    },
    pause: () => send({ type: 'pause' }),
    resume: () => send({ type: 'resume' }),
    abandon() {
      const { turn, status } = slot.get();
      current = null;
      controller.abort();
      if (isBusy({ status })) send({ type: 'cancelled', turn });
    },
  };
}

/** The result of the work, unless the signal is aborted first: then the work is no longer awaited. */
export const untilAborted = <T>(work: Promise<T>, signal: AbortSignal): Promise<T> =>
  Promise.race([
    work,
    whenAborted(signal).then(() => {
      throw new DOMException('it is no longer awaited', 'AbortError');
    }),
  ]);

const whenAborted = (signal: AbortSignal) =>
  new Promise<false>((resolve) => signal.addEventListener('abort', () => resolve(false), { once: true }));
