import { describe, expect, it } from 'vitest';
import { CancelledError } from '../base/errors';
import { Turns } from './turns';

/** Work that takes a few rounds of the event loop and fails the test where two run at once. */
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

/** A run of `steps` that serves between them, as a distillation does. */
const run = (turns: Turns, steps: number, work: (name: string) => () => Promise<string>) => async () => {
  for (let step = 1; step <= steps; step++) {
    await turns.serve();
    await work(`step ${step}`)();
  }
};

describe('turns', () => {
  it('are taken one after another, whatever their kind, with what they return', async () => {
    const turns = new Turns();
    const { log, work } = watched();
    const all = [turns.between(work('a')), turns.alone(work('b')), turns.between(work('c'))];
    expect(log).toEqual([]);
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c']);
    expect(log).toEqual(['a', 'b', 'c']);
  });

  it('between steps are taken by the run; what asks meanwhile waits for the next step', async () => {
    const turns = new Turns();
    const { log, work } = watched();
    const whole = turns.alone(run(turns, 4, work));
    const more = async () => {
      await turns.between(work('a'));
      void turns.between(work('c'));
    };
    await Promise.all([whole, more(), turns.between(work('b'))]);
    expect(log).toEqual(['a', 'b', 'step 1', 'c', 'step 2', 'step 3', 'step 4']);
  });

  it('never overtake what must wait for the end of the run', async () => {
    const turns = new Turns();
    const { log, work } = watched();
    const whole = turns.alone(run(turns, 2, work));
    await Promise.all([whole, turns.between(work('a')), turns.alone(work('b')), turns.between(work('c'))]);
    expect(log).toEqual(['a', 'step 1', 'step 2', 'b', 'c']);
  });

  it('go on after one that failed', async () => {
    const turns = new Turns();
    const { log, work } = watched();
    const wrong = turns.between(() => {
      throw new Error('no');
    });
    const next = turns.alone(work('next'));
    await expect(wrong).rejects.toThrow('no');
    expect(await next).toBe('next');
    expect(log).toEqual(['next']);
  });

  it('that are cancelled while they wait are not begun, and reject at once', async () => {
    const turns = new Turns();
    const { log, work } = watched();
    let end = (): void => {};
    const first = turns.alone(() => new Promise<void>((resolve) => (end = resolve)));
    const abort = new AbortController();
    const waiting = turns.between(work('never'), abort.signal);
    abort.abort();
    await expect(waiting).rejects.toThrow(CancelledError);
    end();
    await first;
    expect(await turns.between(work('later'))).toBe('later');
    expect(log).toEqual(['later']);
  });

  it('tell a run that sleeps when one of them comes', async () => {
    const turns = new Turns();
    const { work } = watched();
    let served = 0;
    const host = turns.alone(async () => {
      while (served < 2) {
        await turns.arrival();
        await turns.serve();
        served++;
      }
    });
    expect(await turns.between(work('a'))).toBe('a');
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(served).toBe(1);
    expect(await turns.between(work('b'))).toBe('b');
    await host;
  });
});
