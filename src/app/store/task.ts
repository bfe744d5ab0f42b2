import { reportOf } from '../../contract/error-report';
import type { EngineErrorReport, Progress } from '../../contract/events';

/**
 * The one state machine for everything the page requests from the engine: runs, lens, causal test, latents, guided run,
 * loading, opening, checks.
 *
 *     idle → starting → running ⇄ pausing → paused → cancelling → done | failed | idle
 *
 * `starting` precedes the request itself (while the device opens or the models load); `pausing` and `cancelling` last until the
 * engine has complied.
 */
export type Status =
  | 'idle'
  | 'starting'
  | 'running'
  | 'pausing'
  | 'paused'
  | 'cancelling'
  | 'done'
  | 'failed';

export type Failure = EngineErrorReport;

interface Attempt {
  /** Number of the attempt. Reports of earlier attempts are ignored. */
  readonly turn: number;
  readonly progress: Progress | null;
  /** The engine has not responded to a cancellation within the limit. */
  readonly isUnheard: boolean;
}

/** `value` is the latest result; it is kept while another is being made. */
export type Task<T> = Attempt &
  (
    | { readonly status: Exclude<Status, 'done' | 'failed'>; readonly value: T | null }
    | { readonly status: 'done'; readonly value: T }
    | { readonly status: 'failed'; readonly value: T | null; readonly error: Failure }
  );

export type TaskEvent<T> =
  | { readonly type: 'start'; readonly turn: number }
  /** The request is sent to the engine. */
  | { readonly type: 'begin'; readonly turn: number }
  | { readonly type: 'progress'; readonly turn: number; readonly progress: Progress }
  /** Replaces the value shown while a new one is being made. */
  | { readonly type: 'show'; readonly turn: number; readonly value: T | null }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'reached'; readonly turn: number; readonly state: 'running' | 'paused' }
  | { readonly type: 'cancel' }
  | { readonly type: 'unheard'; readonly turn: number }
  | { readonly type: 'cancelled'; readonly turn: number }
  | { readonly type: 'succeed'; readonly turn: number; readonly value: T }
  | { readonly type: 'fail'; readonly turn: number; readonly error: Failure };

const attempt: Attempt = { turn: 0, progress: null, isUnheard: false };

export const idle: Task<never> = { ...attempt, status: 'idle', value: null };
/** Not in progress; the earlier result is still shown. */
export const idleWith = <T>(value: T | null): Task<T> => ({ ...attempt, status: 'idle', value });
export const done = <T>(value: T): Task<T> => ({ ...attempt, status: 'done', value });
export const failed = <T>(error: Failure, value: T | null = null): Task<T> => ({
  ...attempt,
  status: 'failed',
  value,
  error,
});

/** From the press of the button until the task has ended. */
export const isBusy = ({ status }: { readonly status: Status }) =>
  status !== 'idle' && status !== 'done' && status !== 'failed';

/** The state before the task was requested. */
const settled = <T>({ turn, value }: Task<T>): Task<T> =>
  value === null ? { ...attempt, turn, status: 'idle', value } : { ...attempt, turn, status: 'done', value };

/** The state after the event; events that the state does not allow change nothing. */
export function reduceTask<T>(task: Task<T>, event: TaskEvent<T>): Task<T> {
  const { status, value } = task;
  if (event.type === 'start')
    return isBusy(task) ? task : { ...attempt, turn: event.turn, status: 'starting', value };
  if (!isBusy(task) || ('turn' in event && event.turn !== task.turn)) return task;
  const asked = status !== 'starting';
  const goTo = (next: Exclude<Status, 'done' | 'failed'>): Task<T> => ({ ...task, status: next, value });
  switch (event.type) {
    case 'begin':
      return asked ? task : goTo('running');
    case 'progress':
      return { ...task, progress: event.progress };
    case 'show':
      return { ...task, value: event.value } as Task<T>;
    case 'pause':
      return status === 'running' ? goTo('pausing') : task;
    case 'resume':
      // A paused task continues when the engine reports it.
      return status === 'pausing' ? goTo('running') : task;
    case 'reached':
      if (event.state === 'paused')
        return status === 'running' || status === 'pausing' ? goTo('paused') : task;
      return status === 'paused' ? goTo('running') : task;
    case 'cancel':
      // Before the request is sent there is nothing to wait for.
      if (!asked) return settled(task);
      return status === 'cancelling' ? task : goTo('cancelling');
    case 'unheard':
      return status === 'cancelling' ? { ...task, isUnheard: true } : task;
    case 'cancelled':
      return settled(task);
    case 'succeed':
      // Also while cancelling: the work finished before the cancellation arrived.
      return asked ? { ...attempt, turn: task.turn, status: 'done', value: event.value } : task;
    case 'fail':
      return { ...attempt, turn: task.turn, status: 'failed', value, error: event.error };
  }
}

/** Anything thrown, in the form the page shows. */
export const failureOf = (thrown: unknown): Failure => reportOf(thrown);

/** The same in two sentences: what went wrong, and what to do about it. */
export function sentencesOf(thrown: unknown): string {
  const { message, hint } = failureOf(thrown);
  return `${message}. ${hint}`;
}

export const isCancelled = (error: Failure) => error.code === 'cancelled' || error.name === 'AbortError';
