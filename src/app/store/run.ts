import type { RunConfig } from '../../contract/config';
import type { KeptEvent, RunEvent, RunResult, StepEvent } from '../../contract/events';
import type { DataUsed } from '../../contract/roles';
import { appendEvents } from '../../contract/series';
import { emptySeries, type RunSeries } from '../../contract/series-schema';
import { appendDrawnSteps, type DrawnSteps, noDrawnSteps } from './drawn-steps';
import { type RunClock, startedClock, tick } from './run-clock';
import { idle, isBusy, type Task } from './task';

/** The page's state of a run: its task and its results so far. */
export interface RunState {
  readonly task: Task<true>;
  /** A stop was requested: the student so far will be kept and evaluated. */
  readonly isStopping: boolean;
  /** Identifies the current or the last run. */
  readonly id: string | null;
  readonly config: RunConfig | null;
  readonly clock: RunClock;
  readonly latest: StepEvent | null;
  /** The answers that its steps were computed from, for a run that samples them; they are not stored with it. */
  readonly drawnSteps: DrawnSteps;
  /** The rows it uses, once drawn. */
  readonly data: DataUsed | null;
  readonly series: RunSeries;
  readonly result: RunResult | null;
  /** The latest snapshot, or why there is none. */
  readonly kept: KeptEvent | null;
}

export type RunAction =
  | { readonly type: 'task'; readonly task: Task<true> }
  /** The request is sent to the engine. */
  | { readonly type: 'begin'; readonly id: string; readonly config: RunConfig }
  | { readonly type: 'events'; readonly events: readonly RunEvent[] }
  | { readonly type: 'stop'; readonly isStopping: boolean }
  | { readonly type: 'finish'; readonly result: RunResult }
  /** Shows a stored run. */
  | {
      readonly type: 'show';
      readonly id: string;
      readonly config: RunConfig;
      readonly series: RunSeries;
      readonly result: RunResult | null;
    };

export const initialRun: RunState = {
  task: idle,
  isStopping: false,
  id: null,
  config: null,
  clock: startedClock,
  latest: null,
  drawnSteps: noDrawnSteps,
  data: null,
  series: emptySeries,
  result: null,
  kept: null,
};

export const isActive = ({ task }: Pick<RunState, 'task'>) => isBusy(task);

/** In progress and not paused: the engine serves other calls only between two steps. */
export const isTraining = ({ task }: Pick<RunState, 'task'>) => isBusy(task) && task.status !== 'paused';

/** The state after the action; actions that the task's state does not allow change nothing. */
export function reduceRun(state: RunState, action: RunAction): RunState {
  const active = isActive(state);
  switch (action.type) {
    case 'task':
      return { ...state, task: action.task, ...(!isBusy(action.task) && { isStopping: false }) };
    case 'begin':
      return active ? { ...initialRun, task: state.task, id: action.id, config: action.config } : state;
    case 'events':
      return active ? reduceEvents(state, action.events) : state;
    case 'stop':
      return active ? { ...state, isStopping: action.isStopping } : state;
    case 'finish':
      return active ? { ...state, result: action.result } : state;
    case 'show':
      if (active) return state;
      return {
        ...initialRun,
        id: action.id,
        config: action.config,
        series: action.series,
        result: action.result,
        data: action.result?.data ?? null,
      };
  }
}

function reduceEvents(state: RunState, events: readonly RunEvent[]): RunState {
  const steps = events.filter((event) => event.kind === 'step');
  const drawn = events.filter((event) => event.kind === 'groups');
  // A resumed run reports its series up to then before anything else.
  const resumed = events.findLast((event) => event.kind === 'resumed');
  return {
    ...state,
    clock: events.reduce(tick, state.clock),
    latest: steps.at(-1) ?? state.latest,
    kept: events.findLast((event) => event.kind === 'kept') ?? state.kept,
    drawnSteps: appendDrawnSteps(state.drawnSteps, drawn),
    data: events.find((event) => event.kind === 'data')?.data ?? state.data,
    series: appendEvents(resumed?.series ?? state.series, events),
  };
}
