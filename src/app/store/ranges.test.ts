import { describe, expect, it } from 'vitest';
import { rangeWords, readRange, writeRange } from './ranges';

describe('a typed range', () => {
  it.each([
    ['', [null, null]],
    [' all ', [null, null]],
    ['3-8', [3, 8]],
    ['3 – 8', [3, 8]],
    ['3-', [3, null]],
    ['-8', [null, 8]],
    ['5', [5, 5]],
    ['0', [0, 0]],
  ] as const)('%j', (text, range) => {
    expect(readRange(text)).toEqual({ range, error: null });
    expect(readRange(writeRange(range)).range).toEqual(range);
  });

  it.each(['8-3', 'x', '-', '1,000', '3-4-5', '1.5'])('%j is refused', (text) => {
    expect(readRange(text).range).toBeNull();
    expect(readRange(text).error).toMatch(/./);
  });

  it('is put into words', () => {
    const words = (text: string) => rangeWords(readRange(text).range!, 'steps');
    expect([words(''), words('3'), words('3-'), words('-8'), words('3-8')]).toEqual([
      null,
      '3 steps',
      'at least 3 steps',
      'at most 8 steps',
      '3 to 8 steps',
    ]);
    expect([words('1'), words('1-'), words('-1'), words('0-1')]).toEqual([
      '1 step',
      'at least 1 step',
      'at most 1 step',
      '0 to 1 steps',
    ]);
  });
});
