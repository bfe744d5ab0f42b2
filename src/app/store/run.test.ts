import { describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import type { RunResult, StepEvent } from '../../contract/events';
import { initialRun, type RunAction, type RunState, type RunStatus, reduceRun } from './run';
import { failureOf } from './task';

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
const start: RunAction = { type: 'start', id: 'a', config };
const reached = (...actions: RunAction[]): RunState => actions.reduce(reduceRun, initialRun);

const paths: Record<RunStatus, RunAction[]> = {
  idle: [],
  loading: [{ type: 'load' }],
  ready: [{ type: 'load' }, { type: 'loaded' }],
  running: [{ type: 'load' }, { type: 'loaded' }, start],
  paused: [{ type: 'load' }, { type: 'loaded' }, start, { type: 'wish', wish: 'pause' }, { type: 'paused' }],
  done: [{ type: 'load' }, { type: 'loaded' }, start, { type: 'finish', result: result('done') }],
  stopped: [{ type: 'load' }, { type: 'loaded' }, start, { type: 'finish', result: result('stopped') }],
  failed: [
    { type: 'load' },
    { type: 'loaded' },
    start,
    { type: 'fail', error: failureOf(new Error('lost')) },
  ],
};

describe('status', () => {
  it.each(Object.entries(paths))('reaches %s', (status, actions) => {
    expect(reached(...actions).status).toBe(status);
  });

  const allowed: [RunAction, Partial<Record<RunStatus, RunStatus>>][] = [
    [start, { ready: 'running', done: 'running', stopped: 'running', failed: 'running' }],
    [{ type: 'paused' }, { running: 'paused' }],
    [{ type: 'resumed' }, { paused: 'running' }],
    [
      { type: 'finish', result: result('done') },
      { running: 'done', paused: 'done' },
    ],
    [
      { type: 'fail', error: failureOf(new Error('x')) },
      { running: 'failed', paused: 'failed' },
    ],
    [{ type: 'cancel' }, { running: 'stopped', paused: 'stopped' }],
    [{ type: 'loaded' }, { loading: 'ready' }],
    [{ type: 'load failed' }, { loading: 'idle' }],
    [
      { type: 'load' },
      { idle: 'loading', ready: 'loading', done: 'loading', stopped: 'loading', failed: 'loading' },
    ],
  ];
  it.each(allowed)('%o changes the status only where it may', (action, changes) => {
    for (const [status, actions] of Object.entries(paths)) {
      const before = reached(...actions);
      const next = reduceRun(before, action);
      const expected = changes[status as RunStatus];
      if (expected) expect(next.status, status).toBe(expected);
      else expect(next, status).toBe(before);
    }
  });

  it('keeps a wish until it is granted, and a stop asked for while pausing', () => {
    const pausing = reduceRun(reached(...paths.running), { type: 'wish', wish: 'pause' });
    expect([pausing.status, pausing.wish]).toEqual(['running', 'pause']);
    const stopping = reduceRun(pausing, { type: 'wish', wish: 'stop' });
    expect(reduceRun(stopping, { type: 'paused' })).toMatchObject({ status: 'paused', wish: 'stop' });
    expect(reduceRun(reached(...paths.paused), { type: 'wish', wish: 'pause' }).wish).toBeNull();
  });
});

describe('events', () => {
  it('become columns, and a step its own progress', () => {
    const state = reduceRun(reached(...paths.running), { type: 'events', events: [step(1), step(2)] });
    expect(state.series.step).toEqual([1, 2]);
    expect(state.series.losses).toEqual({ total: [1, 0.5], answer: [0.5, 0.25] });
    expect(state.progress).toEqual({ phase: 'train', done: 2, total: 10, unit: 'steps', elapsed: 40 });
    expect(state.latest?.step).toBe(2);
  });

  it('are dropped when no run is active, and a new run starts empty', () => {
    const done = reached(
      ...paths.running,
      { type: 'events', events: [step(1)] },
      { type: 'finish', result: result('done') },
    );
    expect(reduceRun(done, { type: 'events', events: [step(2)] })).toBe(done);
    expect(reduceRun(done, { ...start, id: 'b' }).series.step).toEqual([]);
  });

  it('keep a loss that is not a number, and the curves of a failed run', () => {
    const state = reached(
      ...paths.running,
      { type: 'events', events: [step(1), step(2, Number.NaN)] },
      { type: 'fail', error: failureOf(new Error('the loss is not a number at step 2')) },
    );
    expect(state.series.losses.total).toEqual([1, Number.NaN]);
    expect(state.error?.message).toContain('step 2');
  });
});
