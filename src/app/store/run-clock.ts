import type { RunConfig } from '../../contract/config';
import type { Progress, RunEvent } from '../../contract/events';

/**
 * What a run has taken so far, counted by what it was for: so that the time left is that of the steps and evaluations
 * that remain, whatever happens to be under way.
 */
export interface RunClock {
  /** Of the phase under way, as the engine tells it. */
  readonly progress: Progress | null;
  readonly step: number;
  readonly steps: number;
  /** Milliseconds of steps and how many they are; the first step, which warms up, is left out. */
  readonly stepping: { readonly count: number; readonly milliseconds: number };
  readonly evaluating: { readonly problems: number; readonly milliseconds: number };
  /** Milliseconds of looking at the student on the way. */
  readonly observing: number;
}

export const startedClock: RunClock = {
  progress: null,
  step: 0,
  steps: 0,
  stepping: { count: 0, milliseconds: 0 },
  evaluating: { problems: 0, milliseconds: 0 },
  observing: 0,
};

/** The clock after an event of the run. */
export function tick(clock: RunClock, event: RunEvent): RunClock {
  switch (event.kind) {
    case 'progress':
      return { ...clock, progress: event.progress };
    case 'step': {
      const { count, milliseconds } = clock.stepping;
      const isFirst = event.step === 1;
      return {
        ...clock,
        step: event.step,
        steps: event.steps,
        stepping: isFirst
          ? clock.stepping
          : { count: count + 1, milliseconds: milliseconds + event.milliseconds },
      };
    }
    case 'evaluation':
      return {
        ...clock,
        evaluating: {
          problems: clock.evaluating.problems + event.accuracy.total,
          milliseconds: clock.evaluating.milliseconds + event.milliseconds,
        },
      };
    case 'spectrum':
      return { ...clock, observing: clock.observing + event.milliseconds };
    case 'state':
    case 'student':
      return clock;
  }
}

/** What a task is doing, as it is shown. */
export interface Shown {
  readonly phase: Progress['phase'] | null;
  readonly done: number;
  /** 0 where it is unknown. */
  readonly total: number;
  readonly unit: string;
  /** Milliseconds since the phase began, where that is what the time left is judged by. */
  readonly elapsed: number;
  /** Milliseconds that the whole of it will still take; `null` where it cannot be said. */
  readonly left: number | null;
}

/**
 * A run as it is shown. From the first step to the last it is the steps that are counted, also while the student is
 * evaluated between two of them; before and after, it is the phase that is told.
 */
export function shownRun(clock: RunClock, config: RunConfig | null): Shown {
  const { progress, step, steps } = clock;
  const phase = progress?.phase ?? null;
  if (step === 0 || step >= steps) {
    const isStep = phase === 'train';
    return {
      phase,
      done: isStep ? step : (progress?.done ?? 0),
      total: isStep ? steps : (progress?.total ?? 0),
      unit: progress?.unit ?? '',
      elapsed: progress?.elapsed ?? 0,
      left: null,
    };
  }
  return { phase, done: step, total: steps, unit: 'steps', elapsed: 0, left: timeLeft(clock, config) };
}

/** Milliseconds of the remaining steps, and of the remaining evaluations as far as one has been measured. */
function timeLeft({ step, steps, stepping, evaluating, observing }: RunClock, config: RunConfig | null) {
  if (stepping.count < 2) return null;
  const training = (steps - step) * (stepping.milliseconds / stepping.count + observing / step);
  if (evaluating.problems === 0 || config === null) return training;
  const { every } = config.evaluation;
  const { validation, heldOut } = config.data;
  const times = every > 0 ? Math.ceil(steps / every) - Math.floor(step / every) : 0;
  const problems = times * validation + heldOut;
  return training + (problems * evaluating.milliseconds) / evaluating.problems;
}
