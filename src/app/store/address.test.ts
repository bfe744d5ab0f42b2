import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ADDRESS_PACE, addressWriter } from './address';

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => vi.useRealTimers());

function writer() {
  const written: string[] = [];
  const note = (how: string) => (_state: unknown, _title: string, hash?: string | URL | null) => {
    if (written.length >= 100) throw new DOMException('too many', 'SecurityError');
    written.push(`${how} ${hash}`);
  };
  return { written, ...addressWriter({ pushState: note('push'), replaceState: note('replace') }) };
}

it('writes only the latest of several typed changes, no faster than the pace', () => {
  const { write, written } = writer();
  for (let i = 1; i <= 300; i++) {
    write(`#${i}`, false);
    vi.advanceTimersByTime(20);
  }
  vi.advanceTimersByTime(ADDRESS_PACE);
  expect(written.length).toBeLessThanOrEqual((300 * 20) / ADDRESS_PACE + 2);
  expect(written.at(-1)).toBe('replace #300');
});

it('writes a history entry at once, after whatever was pending', () => {
  const { write, written, end, drop } = writer();
  write('#a', false);
  write('#b', true);
  write('#c', false);
  expect(written).toEqual(['replace #a', 'push #b']);
  end();
  expect(written.at(-1)).toBe('replace #c');
  write('#d', false);
  drop();
  vi.advanceTimersByTime(10 * ADDRESS_PACE);
  expect(written.at(-1)).toBe('replace #c');
});

it('does not throw when the browser does', () => {
  const { write, written } = writer();
  for (let i = 0; i < 150; i++) write(`#${i}`, true);
  expect(written).toHaveLength(100);
});
