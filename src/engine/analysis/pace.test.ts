import { expect, it } from 'vitest';
import { CancelledError } from '../base/errors';
import { Pace } from './pace';

const busy = (milliseconds: number): void => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

/** Four pieces of work, longer than a slice each. */
function* pieces(done: number[]): Generator<number, string> {
  for (let i = 1; i <= 4; i++) {
    busy(35);
    done.push(i);
    yield i / 4;
  }
  return 'all';
}

it('waits between two pieces for as long as it is asked to, and tells the share that is done', async () => {
  const done: number[] = [];
  const shares: number[] = [];
  let go = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  const pace = new Pace('the test', undefined, {
    between: () => held,
    onShare: (share) => shares.push(share),
  });
  const running = pace.run(pieces(done));
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect(done).toEqual([1]);
  go();
  expect(await running).toBe('all');
  expect(done).toEqual([1, 2, 3, 4]);
  expect(shares).toEqual([0.25, 0.5, 0.75, 1]);
});

it('is cancelled while it waits', async () => {
  const abort = new AbortController();
  const pace = new Pace('the test', abort.signal, {
    between: async () => {
      abort.abort();
    },
  });
  const done: number[] = [];
  await expect(pace.run(pieces(done))).rejects.toBeInstanceOf(CancelledError);
  expect(done).toEqual([1]);
});
