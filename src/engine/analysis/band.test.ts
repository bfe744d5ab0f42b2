import { describe, expect, it } from 'vitest';
import { ShapeError } from '../base/errors';
import { Rng } from '../base/rng';
import { DRAWS, medianBand } from './band';

const curves = (count: number, length: number, seed = 1) => {
  const rng = new Rng(seed);
  return Array.from({ length: count }, () => Float64Array.from({ length }, () => rng.normal()));
};
const median = (values: number[]) => {
  const s = [...values].sort((a, b) => a - b);
  const half = s.length / 2;
  return s.length % 2 ? s[Math.floor(half)] : ((s[half - 1] as number) + (s[half] as number)) / 2;
};

describe('medianBand', () => {
  it.each([2, 3, 8, 21])('contains the median of %i curves, which equals the plain one', (count) => {
    const all = curves(count, 6);
    const band = medianBand(all, 0, new Rng(5));
    expect(band.draws).toBe(DRAWS);
    for (let i = 0; i < 6; i++) {
      const values = all.map((c) => c[i] as number);
      expect(band.median[i]).toBeCloseTo(median(values) as number, 6);
      expect(band.low[i]).toBeLessThanOrEqual(band.median[i] as number);
      expect(band.high[i]).toBeGreaterThanOrEqual(band.median[i] as number);
      expect(band.low[i]).toBeGreaterThanOrEqual(Math.fround(Math.min(...values)));
      expect(band.high[i]).toBeLessThanOrEqual(Math.fround(Math.max(...values)));
      expect((band.high[i] as number) - (band.low[i] as number)).toBeGreaterThan(0);
    }
  });

  it('agrees with resampling and sorting', () => {
    const all = curves(5, 3);
    const rng = new Rng(9);
    const drawn = Array.from({ length: DRAWS }, () => Array.from({ length: 5 }, () => rng.integer(0, 4)));
    const band = medianBand(all, 0, new Rng(9));
    for (let i = 0; i < 3; i++) {
      const medians = drawn
        .map((who) => median(who.map((s) => all[s]?.[i] as number)) as number)
        .sort((a, b) => a - b);
      // 2.5 % of 199 steps is 4.975, 97.5 % is 194.025.
      const at = (x: number) =>
        (medians[Math.floor(x)] as number) * (1 - (x % 1)) + (medians[Math.ceil(x)] as number) * (x % 1);
      expect(band.low[i]).toBeCloseTo(at(4.975), 6);
      expect(band.high[i]).toBeCloseTo(at(194.025), 6);
    }
  });

  it('narrows as samples are added', () => {
    const width = (count: number) => {
      const { low, high } = medianBand(curves(count, 1), 0, new Rng(1));
      return (high[0] as number) - (low[0] as number);
    };
    expect(width(200)).toBeLessThan(0.5 * width(10));
  });

  it('covers the true median about 95 times in 100', () => {
    let covered = 0;
    for (let seed = 0; seed < 200; seed++) {
      const { low, high } = medianBand(curves(25, 1, 100 + seed), 0, new Rng(seed));
      if ((low[0] as number) <= 0 && (high[0] as number) >= 0) covered++;
    }
    expect(covered).toBeGreaterThanOrEqual(180);
    expect(covered).toBeLessThan(200);
  });

  it('continues shorter curves with the value that follows their end', () => {
    const all = [Float64Array.of(0.5, 1), Float64Array.of(0.6, 1), Float64Array.of(0.3, 0.6, 1)];
    const { median: m, low, high } = medianBand(all, 1, new Rng(1));
    expect([...m]).toEqual([0.5, 1, 1]);
    expect([low[2], high[2]]).toEqual([1, 1]);
    expect([...medianBand(all, 0, new Rng(1)).median]).toEqual([0.5, 1, 0]);
  });

  it('repeats for the same seed, and refuses a single curve', () => {
    const all = curves(6, 4);
    expect(medianBand(all, 0, new Rng(2))).toEqual(medianBand(all, 0, new Rng(2)));
    expect(medianBand(all, 0, new Rng(3)).low).not.toEqual(medianBand(all, 0, new Rng(2)).low);
    expect(() => medianBand(all.slice(0, 1), 0, new Rng(1))).toThrow(ShapeError);
  });
});
