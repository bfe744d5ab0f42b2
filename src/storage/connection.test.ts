import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LIMIT, OPENING_LIMIT, within } from './connection';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it('waits for a browser that is only slow, and not for one that does not answer', async () => {
  const slow = within(LIMIT, new Promise((resolve) => setTimeout(() => resolve('kept'), 30_000)));
  await vi.advanceTimersByTimeAsync(30_000);
  expect(await slow).toBe('kept');
  const hung = expect(within(LIMIT, new Promise(() => {}))).rejects.toThrow('did not respond within 50 s');
  await vi.advanceTimersByTimeAsync(LIMIT);
  await hung;
  // The page opens without a store sooner than that.
  expect(OPENING_LIMIT).toBeLessThan(LIMIT);
});
