import { describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import type { EvaluationEvent, Progress, RunEvent, StepEvent } from '../../contract/events';
import { shownRun, startedClock, tick } from './run-clock';

const steps = 100;
const config = parseRunConfig({
  optimiser: { steps },
  data: { validation: 50, heldOut: 200 },
  evaluation: { every: 25 },
});
const step = (n: number, milliseconds = 20): StepEvent => ({
  kind: 'step',
  step: n,
  steps,
  learningRate: 1e-3,
  losses: { total: 1 / n },
  gradientNorm: 1,
  milliseconds,
});
const evaluation = (at: number, milliseconds: number): EvaluationEvent => ({
  kind: 'evaluation',
  step: at,
  set: 'validation',
  accuracy: { correct: 10, total: 50, share: 0.2, low: 0.1, high: 0.3 },
  milliseconds,
});
const progress = (phase: Progress['phase'], done: number, total: number, elapsed: number): RunEvent => ({
  kind: 'progress',
  progress: { phase, done, total, unit: 'problems', elapsed },
});
const clockAfter = (...events: RunEvent[]) => events.reduce(tick, startedClock);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => step(from + i));

describe('the estimated time left of a run', () => {
  it('is that of the remaining steps, ignoring the first, which warms up', () => {
    const clock = clockAfter(step(1, 5000), ...range(2, 20));
    expect(shownRun(clock, config)).toMatchObject({ done: 20, total: 100, unit: 'steps', left: 80 * 20 });
  });

  it('is not disturbed by an evaluation, which is named while steps and time stay', () => {
    const before = clockAfter(...range(1, 25));
    const during = [progress('evaluate', 8, 50, 300), progress('evaluate', 40, 50, 1500)].reduce(
      tick,
      before,
    );
    expect(shownRun(during, config)).toEqual({ ...shownRun(before, config), phase: 'evaluate' });
    const next = tick(tick(during, evaluation(25, 2000)), progress('train', 25, 100, 0));
    // Three evaluations of 50 problems and the 200 held-out ones remain, at 40 ms per problem.
    expect(shownRun(next, config)).toMatchObject({ done: 25, left: 75 * 20 + 350 * 40 });
    const later = range(26, 30).reduce<typeof next>(tick, next);
    expect(shownRun(later, config)).toMatchObject({ done: 30, left: 70 * 20 + 350 * 40 });
  });

  it('counts each phase separately before the first step and after the last', () => {
    expect(shownRun(clockAfter(progress('teacher', 32, 128, 900)), config)).toMatchObject({
      phase: 'teacher',
      done: 32,
      total: 128,
      elapsed: 900,
      left: null,
    });
    const end = clockAfter(...range(1, 100), progress('evaluate', 20, 200, 800));
    expect(shownRun(end, config)).toMatchObject({ phase: 'evaluate', done: 20, total: 200, elapsed: 800 });
  });

  it('is not affected by a pause', () => {
    const paused = clockAfter(...range(1, 10), { kind: 'state', state: 'paused' });
    const resumed = tick(tick(paused, { kind: 'state', state: 'running' }), step(11));
    expect(shownRun(resumed, config).left).toBeCloseTo(89 * 20);
  });
});
