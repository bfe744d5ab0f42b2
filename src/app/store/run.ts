import type { RunConfig } from '../../contract/config';
import type { Progress, RunEvent, RunResult, StepEvent } from '../../contract/events';
import {
  appendEvaluations,
  appendSpectra,
  appendSteps,
  emptySeries,
  type RunSeries,
} from '../../storage/series';
import type { Failure } from './task';

/**
 * A run, from the page's side. Every change of status is in `reduceRun`:
 *
 *     idle → loading → ready → running ⇄ paused → done | stopped | failed → running …
 */
export type RunStatus = 'idle' | 'loading' | 'ready' | 'running' | 'paused' | 'done' | 'stopped' | 'failed';

export interface RunState {
  readonly status: RunStatus;
  /** What was asked of a running run and is not yet confirmed. */
  readonly wish: 'pause' | 'resume' | 'stop' | null;
  /** Of the run under way or the last one. */
  readonly id: string | null;
  readonly config: RunConfig | null;
  readonly progress: Progress | null;
  readonly latest: StepEvent | null;
  readonly series: RunSeries;
  readonly result: RunResult | null;
  readonly error: Failure | null;
}

export type RunAction =
  | { readonly type: 'load' }
  | { readonly type: 'loaded' }
  | { readonly type: 'load failed' }
  | { readonly type: 'start'; readonly id: string; readonly config: RunConfig }
  | { readonly type: 'events'; readonly events: readonly RunEvent[] }
  | { readonly type: 'wish'; readonly wish: 'pause' | 'resume' | 'stop' }
  | { readonly type: 'wish failed' }
  | { readonly type: 'paused' }
  | { readonly type: 'resumed' }
  | { readonly type: 'finish'; readonly result: RunResult }
  | { readonly type: 'fail'; readonly error: Failure }
  /** Dropped on request: no student, the curves stay. */
  | { readonly type: 'cancel' }
  /** A kept run, to look at again. */
  | {
      readonly type: 'show';
      readonly id: string;
      readonly config: RunConfig;
      readonly series: RunSeries;
      readonly result: RunResult | null;
    };

export const initialRun: RunState = {
  status: 'idle',
  wish: null,
  id: null,
  config: null,
  progress: null,
  latest: null,
  series: emptySeries,
  result: null,
  error: null,
};

export const isActive = ({ status }: Pick<RunState, 'status'>) => status === 'running' || status === 'paused';

/** The state after the action; an action that the status does not allow changes nothing. */
export function reduceRun(state: RunState, action: RunAction): RunState {
  const active = isActive(state);
  switch (action.type) {
    case 'load':
      return active || state.status === 'loading' ? state : { ...state, status: 'loading', error: null };
    case 'loaded':
      return state.status === 'loading' ? { ...state, status: 'ready' } : state;
    case 'load failed':
      return state.status === 'loading' ? { ...state, status: 'idle' } : state;
    case 'start':
      if (active || state.status === 'idle' || state.status === 'loading') return state;
      return { ...initialRun, status: 'running', id: action.id, config: action.config };
    case 'events':
      return active ? reduceEvents(state, action.events) : state;
    case 'wish':
      if (action.wish === 'pause' && state.status !== 'running') return state;
      if (action.wish === 'resume' && state.status !== 'paused') return state;
      return active ? { ...state, wish: action.wish } : state;
    case 'wish failed':
      return { ...state, wish: null };
    case 'paused':
      return state.status === 'running'
        ? { ...state, status: 'paused', wish: state.wish === 'pause' ? null : state.wish }
        : state;
    case 'resumed':
      return state.status === 'paused'
        ? { ...state, status: 'running', wish: state.wish === 'resume' ? null : state.wish }
        : state;
    case 'finish':
      if (!active) return state;
      return { ...state, status: action.result.status, wish: null, progress: null, result: action.result };
    case 'fail':
      return active ? { ...state, status: 'failed', wish: null, progress: null, error: action.error } : state;
    case 'cancel':
      return active ? { ...state, status: 'stopped', wish: null, progress: null } : state;
    case 'show':
      if (active) return state;
      return {
        ...initialRun,
        status: action.result?.status ?? 'stopped',
        id: action.id,
        config: action.config,
        series: action.series,
        result: action.result,
      };
  }
}

function reduceEvents(state: RunState, events: readonly RunEvent[]): RunState {
  const steps = events.filter((event) => event.kind === 'step');
  const evaluations = events.filter((event) => event.kind === 'evaluation');
  const spectra = events.filter((event) => event.kind === 'spectrum');
  const stepped = appendSteps(state.series, steps);
  const series = spectra.length === 0 ? stepped : appendSpectra(stepped, spectra);
  return {
    ...state,
    progress: events.reduce(progressAfter, state.progress),
    latest: steps.at(-1) ?? state.latest,
    series: appendEvaluations(series, evaluations),
  };
}

/** What is under way after the event; a step is its own report of progress. */
function progressAfter(progress: Progress | null, event: RunEvent): Progress | null {
  if (event.kind === 'progress') return event.progress;
  if (event.kind !== 'step') return progress;
  const before = progress?.phase === 'train' ? progress.elapsed : 0;
  return {
    phase: 'train',
    done: event.step,
    total: event.steps,
    unit: 'steps',
    elapsed: before + event.milliseconds,
  };
}
