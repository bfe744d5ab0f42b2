import { describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import type { RunResult, StepEvent } from '../../contract/events';
import { emptySeries } from '../../contract/series-schema';
import { initialRun, type RunAction, type RunState, reduceRun } from './run';
import { failed, failureOf, idle, reduceTask } from './task';

const config = parseRunConfig({});
const step = (n: number, total = 1 / n): StepEvent => ({
  kind: 'step',
  step: n,
  steps: 10,
  learningRate: 1e-3,
  losses: { total, answer: total / 2 },
  gradientNorm: 1,
  milliseconds: 20,
});
const result = (status: 'done' | 'stopped'): RunResult => ({
  config,
  status,
  steps: 3,
  heldOut: null,
  teacher: null,
  seconds: { teacher: 1, compile: 1, train: 1, evaluate: 1 },
  programs: 2,
  trainable: 5,
  provider: 'wasm',
  models: {},
});
const running = reduceTask(reduceTask<true>(idle, { type: 'start', turn: 1 }), { type: 'begin', turn: 1 });
const active: readonly RunAction[] = [
  { type: 'task', task: running },
  { type: 'begin', id: 'a', config },
];
const reached = (...actions: RunAction[]): RunState => actions.reduce(reduceRun, initialRun);

describe('a run', () => {
  it('begins empty, and only while its task is in progress', () => {
    const shown = reached({ type: 'show', id: 'old', config, series: emptySeries, result: result('done') });
    expect(reduceRun(shown, { type: 'begin', id: 'a', config })).toBe(shown);
    const begun = active.reduce(reduceRun, shown);
    expect(begun).toMatchObject({ id: 'a', result: null, task: { status: 'running' } });
  });

  it('keeps showing the previous run until the request is sent', () => {
    const starting = reduceTask<true>(idle, { type: 'start', turn: 2 });
    const state = reached(
      { type: 'show', id: 'old', config, series: emptySeries, result: result('done') },
      { type: 'task', task: starting },
    );
    expect(state).toMatchObject({ id: 'old', result: { status: 'done' } });
  });

  it('does not show another run while one is in progress', () => {
    const state = reached(...active);
    expect(reduceRun(state, { type: 'show', id: 'b', config, series: emptySeries, result: null })).toBe(
      state,
    );
  });

  it('is no longer stopping once it has ended', () => {
    const stopping = reached(...active, { type: 'stop', isStopping: true });
    expect(stopping.isStopping).toBe(true);
    const ended = reduceTask<true>(running, { type: 'succeed', turn: 1, value: true });
    expect(reduceRun(stopping, { type: 'task', task: ended }).isStopping).toBe(false);
  });
});

describe('events', () => {
  it('become columns; a step also updates the progress', () => {
    const state = reduceRun(reached(...active), { type: 'events', events: [step(1), step(2)] });
    expect(state.series.step).toEqual([1, 2]);
    expect(state.series.losses).toEqual({ total: [1, 0.5], answer: [0.5, 0.25] });
    expect(state.clock).toMatchObject({ step: 2, steps: 10 });
    expect(state.latest?.step).toBe(2);
  });

  it('are dropped when no run is active, and a new run starts empty', () => {
    const done = reached(
      ...active,
      { type: 'events', events: [step(1)] },
      { type: 'finish', result: result('done') },
      { type: 'task', task: idle },
    );
    expect(reduceRun(done, { type: 'events', events: [step(2)] })).toBe(done);
    const next = active.reduce(reduceRun, done);
    expect(next.series.step).toEqual([]);
  });

  it('keep a NaN loss, and the curves of a failed run', () => {
    const state = reached(
      ...active,
      { type: 'events', events: [step(1), step(2, Number.NaN)] },
      { type: 'task', task: failed(failureOf(new Error('the loss is not a number at step 2'))) },
    );
    expect(state.series.losses.total).toEqual([1, Number.NaN]);
    expect(state.series.step).toEqual([1, 2]);
  });
});
