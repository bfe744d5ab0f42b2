import type { RunConfig } from '../../contract/config';
import type { Progress, RunEvent } from '../../contract/events';

/**
 * The time a run has taken so far, by purpose, so that the time left is that of the remaining steps and evaluations whatever the
 * current phase is.
 */
export interface RunClock {
  /** Progress of the current phase, as reported by the engine. */
  readonly progress: Progress | null;
  readonly step: number;
  readonly steps: number;
  /** Total milliseconds and number of steps, without the first, which warms up. */
  readonly stepping: { readonly count: number; readonly milliseconds: number };
  readonly evaluating: { readonly problems: number; readonly milliseconds: number };
  /** Milliseconds spent observing the student during training. */
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

/** The clock after a run event. */
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
    case 'resumed':
      return { ...clock, step: event.step, steps: event.steps };
    case 'groups':
    case 'stage':
    case 'data':
    case 'state':
    case 'student':
    case 'kept':
      return clock;
  }
}

/** A task's progress as displayed. */
export interface Shown {
  readonly phase: Progress['phase'] | null;
  readonly done: number;
  /** 0 if unknown. */
  readonly total: number;
  readonly unit: string;
  /** Milliseconds since the phase began, if the time left is estimated from it. */
  readonly elapsed: number;
  /** Milliseconds left for the whole task; `null` if unknown. */
  readonly left: number | null;
}

/**
 * A run as displayed: from the first step to the last its steps, even during an evaluation between two of them; before and after
 * that, the current phase.
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

/** Milliseconds of the remaining steps, and of the remaining evaluations once one has been measured. */
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
