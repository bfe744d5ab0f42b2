import type { RunConfig } from '../../contract/config';
import type { ExpectedEvent, Progress, RunEvent } from '../../contract/events';

/**
 * The time a run has taken so far, by purpose, so that the time left is that of the remaining steps and evaluations whatever the
 * current phase is.
 */
export interface RunClock {
  /** Progress of the current phase, as reported by the engine. */
  readonly progress: Progress | null;
  readonly step: number;
  readonly steps: number;
  /** Total milliseconds and number of steps, without the first, which is a warm-up; null before it. */
  readonly stepping: { readonly count: number; readonly milliseconds: number } | null;
  readonly evaluating: { readonly problems: number; readonly milliseconds: number };
  /** What was expected before the first step; null if unknown, or not known yet. */
  readonly expected: ExpectedEvent['milliseconds'];
  /** Milliseconds spent observing the student during training. */
  readonly observing: number;
}

export const startedClock: RunClock = {
  progress: null,
  step: 0,
  steps: 0,
  stepping: null,
  expected: null,
  evaluating: { problems: 0, milliseconds: 0 },
  observing: 0,
};

/** The clock after a run event. */
export function tick(clock: RunClock, event: RunEvent): RunClock {
  switch (event.kind) {
    case 'progress':
      return { ...clock, progress: event.progress };
    case 'step': {
      const { count, milliseconds } = clock.stepping ?? { count: -1, milliseconds: -event.milliseconds };
      const { step, steps } = event;
      return {
        ...clock,
        ...{ step, steps },
        // The previous phase, compiling or evaluating, is over.
        progress: { phase: 'train', done: step, total: steps, unit: 'steps', elapsed: 0 },
        stepping: { count: count + 1, milliseconds: milliseconds + event.milliseconds },
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
    case 'expected':
      return { ...clock, expected: event.milliseconds };
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
 * A run as displayed: its steps from the first to the last, even during an evaluation between two of them;
 * before and after that, the current phase. The time left is always that of the whole run, as far as known.
 */
export function shownRun(clock: RunClock, config: RunConfig | null): Shown {
  const { progress, step, steps } = clock;
  const phase = progress?.phase ?? null;
  if (isBetweenSteps(clock))
    return { phase, done: step, total: steps, unit: 'steps', elapsed: 0, left: timeLeft(clock, config) };
  const isStep = phase === 'train';
  return {
    phase,
    done: isStep ? step : (progress?.done ?? 0),
    total: isStep ? steps : (progress?.total ?? 0),
    unit: progress?.unit ?? '',
    elapsed: progress?.elapsed ?? 0,
    left: step === 0 && config !== null ? timeLeft(clock, config) : null,
  };
}

const isBetweenSteps = ({ step, steps }: RunClock): boolean => step > 0 && step < steps;

/** Milliseconds of all that remains: teacher pass, steps, evaluations; null if the time of a step is unknown. */
function timeLeft(clock: RunClock, config: RunConfig | null): number | null {
  const { step, steps, expected, observing } = clock;
  const total = steps || (config?.optimiser.steps ?? 0);
  const each = timed(clock.stepping) ?? expected?.step ?? null;
  if (each === null) return null;
  const training = (total - step) * (each + (step > 0 ? observing / step : 0));
  return teacherLeft(clock) + training + evaluationLeft(clock, config, total);
}

/** Milliseconds of one, if there were enough to tell. */
const timed = (measured: { readonly count: number; readonly milliseconds: number } | null) =>
  measured !== null && measured.count >= 2 ? measured.milliseconds / measured.count : null;

/** Milliseconds left of the teacher pass, before the first step. */
function teacherLeft({ progress, step, expected }: RunClock): number {
  if (step > 0 || !expected) return 0;
  if (progress === null) return expected.teacher;
  const { phase, left, done, total, elapsed } = progress;
  if (phase === 'factors') return left ?? 0;
  if (phase !== 'teacher') return 0;
  return done > 0 ? (elapsed * (total - done)) / done : expected.teacher;
}

/** Milliseconds left of the current evaluation and those to come. */
function evaluationLeft(clock: RunClock, config: RunConfig | null, steps: number): number {
  const { progress, step, evaluating } = clock;
  const now = progress?.phase === 'evaluate' ? progress : null;
  const each =
    evaluating.problems > 0
      ? evaluating.milliseconds / evaluating.problems
      : now && now.done > 0
        ? now.elapsed / now.done
        : (clock.expected?.problem ?? 0);
  const inProgress = now ? now.total - now.done : 0;
  if (config === null) return inProgress * each;
  const { every } = config.evaluation;
  const { validation, heldOut } = config.data;
  const times = every > 0 ? Math.ceil(steps / every) - Math.floor(step / every) : 0;
  return (inProgress + times * validation + heldOut) * each;
}
