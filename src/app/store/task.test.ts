import { describe, expect, it, vi } from 'vitest';
import { failureOf, idle, isBusy, reduceTask, type Status, type Task, type TaskEvent } from './task';
import { taskDriver } from './task-driver';

const error = failureOf(Object.assign(new Error('no such file'), { code: 'file' }));
const progress = { phase: 'load', done: 1, total: 4, unit: 'bytes', elapsed: 9 } as const;
const turn = 7;

/** Events that lead to each state. */
const WAYS: Readonly<Record<Status, readonly TaskEvent<string>[]>> = {
  idle: [],
  starting: [{ type: 'start', turn }],
  running: [
    { type: 'start', turn },
    { type: 'begin', turn },
  ],
  pausing: [{ type: 'start', turn }, { type: 'begin', turn }, { type: 'pause' }],
  paused: [
    { type: 'start', turn },
    { type: 'begin', turn },
    { type: 'pause' },
    { type: 'reached', turn, state: 'paused' },
  ],
  cancelling: [{ type: 'start', turn }, { type: 'begin', turn }, { type: 'cancel' }],
  done: [
    { type: 'start', turn },
    { type: 'begin', turn },
    { type: 'succeed', turn, value: 'old' },
  ],
  failed: [
    { type: 'start', turn },
    { type: 'begin', turn },
    { type: 'fail', turn, error },
  ],
};
const at = (status: Status): Task<string> => WAYS[status].reduce(reduceTask<string>, idle as Task<string>);
const STATUSES = Object.keys(WAYS) as Status[];

/** Where each event leads, by state; in states not listed here the event changes nothing at all. */
const TABLE: readonly (readonly [TaskEvent<string>, Partial<Record<Status, Status>>])[] = [
  [
    { type: 'start', turn: 8 },
    { idle: 'starting', done: 'starting', failed: 'starting' },
  ],
  [{ type: 'begin', turn }, { starting: 'running' }],
  [{ type: 'pause' }, { running: 'pausing' }],
  [{ type: 'resume' }, { pausing: 'running' }],
  [
    { type: 'reached', turn, state: 'paused' },
    { running: 'paused', pausing: 'paused' },
  ],
  [{ type: 'reached', turn, state: 'running' }, { paused: 'running' }],
  [
    { type: 'cancel' },
    { starting: 'idle', running: 'cancelling', pausing: 'cancelling', paused: 'cancelling' },
  ],
  [
    { type: 'cancelled', turn },
    { starting: 'idle', running: 'idle', pausing: 'idle', paused: 'idle', cancelling: 'idle' },
  ],
  [
    { type: 'succeed', turn, value: 'new' },
    { running: 'done', pausing: 'done', paused: 'done', cancelling: 'done' },
  ],
  [
    { type: 'fail', turn, error },
    { starting: 'failed', running: 'failed', pausing: 'failed', paused: 'failed', cancelling: 'failed' },
  ],
];

describe('every state and every event', () => {
  it.each(STATUSES)('%s is reached', (status) => expect(at(status).status).toBe(status));

  it.each(TABLE)('%o', (event, leads) => {
    for (const status of STATUSES) {
      const before = at(status);
      const after = reduceTask(before, event);
      if (leads[status]) expect(after.status, status).toBe(leads[status]);
      else expect(after, status).toBe(before);
    }
  });

  it('progress and displayed values do not change the status, and have no effect outside an attempt', () => {
    for (const status of STATUSES) {
      const before = at(status);
      const told = reduceTask(before, { type: 'progress', turn, progress });
      const shown = reduceTask(before, { type: 'show', turn, value: 'partial' });
      if (isBusy(before)) {
        expect(told).toEqual({ ...before, progress });
        expect(shown).toEqual({ ...before, value: 'partial' });
      } else expect([told, shown]).toEqual([before, before]);
    }
  });

  it('only a cancellation can go unheard', () => {
    for (const status of STATUSES)
      expect(reduceTask(at(status), { type: 'unheard', turn }).isUnheard).toBe(status === 'cancelling');
  });

  it('ignores reports of an earlier attempt', () => {
    for (const [event] of TABLE) {
      if (event.type === 'start' || !('turn' in event)) continue;
      for (const status of STATUSES) {
        const before = at(status);
        expect(reduceTask(before, { ...event, turn: turn - 1 }), `${event.type} in ${status}`).toBe(before);
      }
    }
  });

  it('keeps the earlier value through a failure and a cancellation', () => {
    const again = [
      { type: 'start', turn: 8 },
      { type: 'begin', turn: 8 },
    ] as const;
    const running = again.reduce<Task<string>>(reduceTask, at('done'));
    expect(running).toMatchObject({ status: 'running', value: 'old' });
    expect(reduceTask(running, { type: 'fail', turn: 8, error })).toMatchObject({ value: 'old', error });
    expect(reduceTask(running, { type: 'cancelled', turn: 8 })).toMatchObject({
      status: 'done',
      value: 'old',
    });
  });
});

describe('a driven task', () => {
  function make(limit = 10_000) {
    let task: Task<string> = idle;
    const statuses: Status[] = [];
    const driver = taskDriver<string>(
      {
        get: () => task,
        set: (next) => {
          task = next;
          if (statuses.at(-1) !== next.status) statuses.push(next.status);
        },
      },
      limit,
    );
    return { driver, statuses, task: () => task };
  }

  it('starts once, however often it is requested while it waits for what it needs', async () => {
    const { driver, statuses } = make();
    let open: (ok: boolean) => void = () => {};
    const work = vi.fn(async () => 'value');
    const first = driver.start(work, () => new Promise((resolve) => (open = resolve)));
    expect(await driver.start(work)).toEqual({ status: 'refused' });
    open(true);
    expect(await first).toEqual({ status: 'done', value: 'value' });
    expect(work).toHaveBeenCalledTimes(1);
    expect(statuses).toEqual(['starting', 'running', 'done']);
  });

  it('is cancelled at once while it waits for what it needs, and can be started again', async () => {
    const { driver, task } = make();
    const work = vi.fn(async () => 'value');
    const first = driver.start(work, () => new Promise(() => {}));
    driver.cancel();
    expect(task().status).toBe('idle');
    expect(await first).toEqual({ status: 'cancelled' });
    expect(await driver.start(work)).toMatchObject({ status: 'done' });
    expect(work).toHaveBeenCalledTimes(1);
  });

  it('reports an unheard cancellation, and ends when the engine is shut down', async () => {
    vi.useFakeTimers();
    const { driver, task } = make(500);
    let reject: (error: Error) => void = () => {};
    const running = driver.start(() => new Promise((_, no) => (reject = no)));
    await vi.advanceTimersByTimeAsync(0);
    driver.cancel();
    await vi.advanceTimersByTimeAsync(499);
    expect(task()).toMatchObject({ status: 'cancelling', isUnheard: false });
    await vi.advanceTimersByTimeAsync(2);
    expect(task()).toMatchObject({ status: 'cancelling', isUnheard: true });
    reject(Object.assign(new Error('the engine was shut down'), { code: 'worker' }));
    expect(await running).toEqual({ status: 'cancelled' });
    expect(task()).toMatchObject({ status: 'idle', isUnheard: false });
    vi.useRealTimers();
  });

  it('ignores an abandoned attempt', async () => {
    const { driver, task } = make();
    let resolve: (value: string) => void = () => {};
    const first = driver.start(() => new Promise((yes) => (resolve = yes)));
    await Promise.resolve();
    driver.abandon();
    expect(task()).toMatchObject({ status: 'idle', value: null });
    const second = driver.start(async () => 'second');
    resolve('first');
    expect(await first).toEqual({ status: 'cancelled' });
    expect(await second).toEqual({ status: 'done', value: 'second' });
    expect(task().value).toBe('second');
  });

  it('fails with the thrown error', async () => {
    const { driver, task } = make();
    const thrown = Object.assign(new Error('9 GB do not fit'), { code: 'memory', hint: 'Take fewer.' });
    expect(await driver.start(() => Promise.reject(thrown))).toMatchObject({ status: 'failed', thrown });
    expect(task()).toMatchObject({ status: 'failed', error: { code: 'memory', hint: 'Take fewer.' } });
  });
});
