import { describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import type { EvaluationEvent, Progress, RunEvent, StepEvent } from '../../contract/events';
import { emptySeries } from '../../contract/series-schema';
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
  it('is that of the remaining steps, ignoring the first, which is a warm-up', () => {
    const clock = clockAfter(step(1, 5000), ...range(2, 20));
    expect(shownRun(clock, config)).toMatchObject({ done: 20, total: 100, unit: 'steps', left: 80 * 20 });
  });

  it('counts down through an evaluation, and is not disturbed after it', () => {
    const before = clockAfter(...range(1, 25));
    expect(shownRun(before, config)).toMatchObject({ phase: 'train', left: 75 * 20 });
    const during = [progress('evaluate', 8, 50, 320), progress('evaluate', 40, 50, 1600)].reduce(
      tick,
      before,
    );
    // Ten problems of this evaluation, 50 in each of three more and 200 held-out ones remain, at 40 ms per problem.
    expect(shownRun(during, config)).toMatchObject({
      ...{ phase: 'evaluate', done: 25, total: 100, unit: 'steps' },
      left: 75 * 20 + (10 + 350) * 40,
    });
    const next = tick(during, evaluation(25, 2000));
    const later = range(26, 30).reduce<typeof next>(tick, next);
    expect(shownRun(later, config)).toMatchObject({ phase: 'train', done: 30, left: 70 * 20 + 350 * 40 });
  });

  it('uses what was expected for each part until it has been measured', () => {
    const told = clockAfter({ kind: 'expected', milliseconds: { teacher: 6400, step: 30, problem: 10 } });
    const all = 100 * 30 + (4 * 50 + 200) * 10;
    expect(shownRun(told, config).left).toBe(6400 + all);
    const teacher = tick(told, progress('teacher', 32, 128, 900));
    expect(shownRun(teacher, config)).toMatchObject({
      ...{ phase: 'teacher', done: 32, total: 128, elapsed: 900 },
      left: 2700 + all,
    });
    const compiling = tick(teacher, progress('compile', 1, 2, 300));
    expect(shownRun(compiling, config)).toMatchObject({ phase: 'compile', left: all });
    const first = tick(compiling, step(1, 5000));
    expect(shownRun(first, config)).toMatchObject({ phase: 'train', left: all - 30 });
    const later = range(2, 10).reduce<typeof first>(tick, first);
    expect(shownRun(later, config).left).toBe(90 * 20 + 400 * 10);
  });

  it('is unknown if nothing is known, and is the phase’s own after the last step', () => {
    const unknown = clockAfter({ kind: 'expected', milliseconds: null }, progress('teacher', 32, 128, 900));
    expect(shownRun(unknown, config)).toMatchObject({ done: 32, total: 128, elapsed: 900, left: null });
    const end = clockAfter(...range(1, 100), progress('evaluate', 20, 200, 800));
    expect(shownRun(end, config)).toMatchObject({ phase: 'evaluate', done: 20, total: 200, elapsed: 800 });
    expect(shownRun(end, config).left).toBeNull();
  });

  it('ignores the first step of a resumed run, which is also a warm-up', () => {
    const resumed = clockAfter(
      { kind: 'resumed', step: 40, steps, series: emptySeries, provider: 'wasm' },
      step(41, 5000),
      ...range(42, 50),
    );
    expect(shownRun(resumed, config).left).toBe(50 * 20);
  });

  it('is not affected by a pause', () => {
    const paused = clockAfter(...range(1, 10), { kind: 'state', state: 'paused' });
    const resumed = tick(tick(paused, { kind: 'state', state: 'running' }), step(11));
    expect(shownRun(resumed, config).left).toBeCloseTo(89 * 20);
  });
});
