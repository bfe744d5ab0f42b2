import { describe, expect, it } from 'vitest';
import { CancelledError } from '../base/errors';
import { ExclusiveQueue } from './exclusive-queue';

/** Work that takes a few turns of the event loop and fails the test if two pieces overlap. */
function watched() {
  const log: string[] = [];
  let active: string | undefined;
  const work = (name: string) => async () => {
    expect(active, `while ${name} began`).toBeUndefined();
    active = name;
    log.push(name);
    await new Promise((resolve) => setTimeout(resolve, 2));
    active = undefined;
    return name;
  };
  return { log, work };
}

/** A run of `steps` that serves the queue between them, as a distillation does. */
const run =
  (queue: ExclusiveQueue, steps: number, work: (name: string) => () => Promise<string>) => async () => {
    for (let step = 1; step <= steps; step++) {
      await queue.serve();
      await work(`step ${step}`)();
    }
  };

describe('queued calls', () => {
  it('run one after another, whatever their kind, and return their results', async () => {
    const queue = new ExclusiveQueue();
    const { log, work } = watched();
    const all = [queue.between(work('a')), queue.alone(work('b')), queue.between(work('c'))];
    expect(log).toEqual([]);
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c']);
    expect(log).toEqual(['a', 'b', 'c']);
  });

  it('are served between two steps of a run; calls that arrive meanwhile wait for the next step', async () => {
    const queue = new ExclusiveQueue();
    const { log, work } = watched();
    const whole = queue.alone(run(queue, 4, work));
    const more = async () => {
      await queue.between(work('a'));
      void queue.between(work('c'));
    };
    await Promise.all([whole, more(), queue.between(work('b'))]);
    expect(log).toEqual(['a', 'b', 'step 1', 'c', 'step 2', 'step 3', 'step 4']);
  });

  it('never overtake what must wait for the end of the run', async () => {
    const queue = new ExclusiveQueue();
    const { log, work } = watched();
    const whole = queue.alone(run(queue, 2, work));
    await Promise.all([whole, queue.between(work('a')), queue.alone(work('b')), queue.between(work('c'))]);
    expect(log).toEqual(['a', 'step 1', 'step 2', 'b', 'c']);
  });

  it('continue after one has failed', async () => {
    const queue = new ExclusiveQueue();
    const { log, work } = watched();
    const wrong = queue.between(() => {
      throw new Error('no');
    });
    const next = queue.alone(work('next'));
    await expect(wrong).rejects.toThrow('no');
    expect(await next).toBe('next');
    expect(log).toEqual(['next']);
  });

  it('are not started, and reject at once, if cancelled while waiting', async () => {
    const queue = new ExclusiveQueue();
    const { log, work } = watched();
    let end = (): void => {};
    const first = queue.alone(() => new Promise<void>((resolve) => (end = resolve)));
    const abort = new AbortController();
    const waiting = queue.between(work('never'), abort.signal);
    abort.abort();
    await expect(waiting).rejects.toThrow(CancelledError);
    end();
    await first;
    expect(await queue.between(work('later'))).toBe('later');
    expect(log).toEqual(['later']);
  });

  it('wake a paused run when they arrive', async () => {
    const queue = new ExclusiveQueue();
    const { work } = watched();
    let served = 0;
    const host = queue.alone(async () => {
      while (served < 2) {
        await queue.arrival();
        await queue.serve();
        served++;
      }
    });
    expect(await queue.between(work('a'))).toBe('a');
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(served).toBe(1);
    expect(await queue.between(work('b'))).toBe('b');
    await host;
  });
});
