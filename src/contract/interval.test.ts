import { describe, expect, it } from 'vitest';
import { wilson } from './interval';

describe('wilson', () => {
  // scipy.stats.binomtest(correct, total).proportion_ci(method='wilson')
  it.each([
    [0, 10, 0.0, 0.27753279986288926],
    [10, 10, 0.7224672001371109, 1.0],
    [5, 10, 0.236593090512564, 0.7634069094874361],
    [1, 1, 0.20654931437723745, 1.0],
    [225, 1000, 0.20019895514206565, 0.25190576202498965],
    [38, 1000, 0.027809004509302633, 0.05172692033135031],
    [81, 263, 0.2552885198782742, 0.36620957698280004],
  ])('for %i right of %i reaches from %f to %f', (correct, total, low, high) => {
    const share = wilson(correct, total);
    expect(share.share).toBe(correct / total);
    expect(share.low).toBeCloseTo(low, 12);
    expect(share.high).toBeCloseTo(high, 12);
  });

  it('is symmetric, contains the share, and narrows with more problems', () => {
    for (const n of [1, 2, 10, 37, 1000])
      for (let k = 0; k <= n; k += Math.max(1, Math.floor(n / 7))) {
        const [a, b] = [wilson(k, n), wilson(n - k, n)];
        expect(a.low).toBeCloseTo(1 - b.high, 12);
        expect(a.low).toBeLessThanOrEqual(a.share);
        expect(a.high).toBeGreaterThanOrEqual(a.share);
      }
    const width = (n: number) => wilson(n / 2, n).high - wilson(n / 2, n).low;
    expect(width(1000)).toBeLessThan(width(100));
  });

  it('is [0, 1] without problems', () => {
    expect(wilson(0, 0)).toEqual({ correct: 0, total: 0, share: 0, low: 0, high: 1 });
  });

  it.each([
    [-1, 5],
    [6, 5],
    [Number.NaN, 5],
    [1, 0],
  ])('refuses %d of %d', (correct, total) => {
    expect(() => wilson(correct, total)).toThrow(`${correct} of ${total} right`);
  });
});
