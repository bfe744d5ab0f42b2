import { reportOf } from '../../contract/error-report';
import type { EngineErrorReport, Progress } from '../../contract/events';

/** Something asked of the engine: what is known of it now. `previous` is the last value, kept while a new one is made. */
export type Task<T> =
  | { readonly status: 'idle'; readonly value: T | null }
  | { readonly status: 'busy'; readonly value: T | null; readonly progress: Progress | null }
  | { readonly status: 'ready'; readonly value: T }
  | { readonly status: 'failed'; readonly value: T | null; readonly error: Failure };

export type Failure = EngineErrorReport;

export const idle: Task<never> = { status: 'idle', value: null };
export const busy = <T>(task: Task<T>, progress: Progress | null = null): Task<T> => ({
  status: 'busy',
  value: task.value,
  progress,
});
export const ready = <T>(value: T): Task<T> => ({ status: 'ready', value });
export const failed = <T>(task: Task<T>, error: Failure): Task<T> => ({
  status: 'failed',
  value: task.value,
  error,
});
/** Back to what it was before it was asked again. */
export const settled = <T>(task: Task<T>): Task<T> =>
  task.value === null ? { status: 'idle', value: null } : ready(task.value);

/** Anything thrown, as the page shows it. */
export const failureOf = (thrown: unknown): Failure => reportOf(thrown);

export const isCancelled = (error: Failure) => error.code === 'cancelled' || error.name === 'AbortError';
