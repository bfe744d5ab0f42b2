import { describe, expect, it } from 'vitest';
import { comparePaired, seedsNeeded, signFlip, summariseSeeds } from './seeds';
import golden from './seeds.golden.json';
import { bootstrapInterval, type Interval, mean, median, quantile } from './statistics';

const bySeed = (values: readonly number[], from = 100): Map<number, number> =>
  new Map(values.map((value, i) => [from + i, value]));
/** Ends of an interval within the ranges of scripts/goldens/eval/seeds.py; a rounding error more for sums in another order. */
const expectEnds = (
  found: Interval | null,
  { low, high }: { readonly low: readonly number[]; readonly high: readonly number[] },
) => {
  const rounding = 1e-12;
  expect(found!.low).toBeGreaterThanOrEqual(low[0]! - rounding);
  expect(found!.low).toBeLessThanOrEqual(low[1]! + rounding);
  expect(found!.high).toBeGreaterThanOrEqual(high[0]! - rounding);
  expect(found!.high).toBeLessThanOrEqual(high[1]! + rounding);
};

describe('a summary over seeds', () => {
  it.each(Object.entries(golden.summaries))('of %s agrees with numpy and scipy', (_name, expected) => {
    const found = summariseSeeds(bySeed(expected.values));
    expect(found.n).toBe(10);
    expect(found.mean).toBeCloseTo(expected.mean, 14);
    expect(found.median).toBeCloseTo(expected.median, 14);
    expect(found.sd).toBeCloseTo(expected.sd, 14);
    expect([found.min, found.max]).toEqual([Math.min(...expected.values), Math.max(...expected.values)]);
    expectEnds(found.meanInterval, expected.meanInterval);
    expectEnds(found.medianInterval, expected.medianInterval);
  });

  it('has the intervals of all 5⁵ resamples', () => {
    const { values } = golden.five;
    expectEnds(bootstrapInterval(values, mean), golden.five.mean);
    expectEnds(bootstrapInterval(values, median), golden.five.median);
  });

  it('repeats to the bit, in any order of the runs', () => {
    const runs = [...bySeed(golden.summaries.codi.values)];
    const once = summariseSeeds(new Map(runs));
    expect(summariseSeeds(new Map([...runs].reverse()))).toEqual(once);
    expect(summariseSeeds(new Map(runs))).toEqual(once);
  });

  it('has no interval and no deviation for one seed, and refuses an empty list', () => {
    expect(summariseSeeds(bySeed([0.5]))).toMatchObject({
      n: 1,
      median: 0.5,
      sd: Number.NaN,
      medianInterval: null,
      meanInterval: null,
    });
    expect(() => summariseSeeds(new Map())).toThrow(/one seed at least/);
  });
});

describe('a difference paired by seed', () => {
  it.each(golden.differences)('of $of from $baseline agrees with numpy and scipy', (expected) => {
    const { summaries } = golden;
    const of = summaries[expected.of as keyof typeof summaries].values;
    const baseline = summaries[expected.baseline as keyof typeof summaries].values;
    const found = comparePaired(bySeed(of), bySeed(baseline))!;
    expect(found.difference).toBeCloseTo(expected.mean, 14);
    expectEnds(found.interval, expected.interval);
    expect(found.higher + found.lower).toBe(10);
  });

  it('pairs by seed, not by position, and leaves out seeds that only one side has', () => {
    const a = new Map([
      [3, 0.9],
      [1, 0.5],
      [7, 0.1],
    ]);
    const b = new Map([
      [1, 0.4],
      [2, 0],
      [3, 0.8],
    ]);
    const found = comparePaired(a, b)!;
    expect(found).toMatchObject({ n: 2, higher: 2, lower: 0 });
    expect(found.difference).toBeCloseTo(0.1, 14);
    expect(found.interval!.low).toBeCloseTo(0.1, 14);
    expect(comparePaired(a, new Map([[9, 1]]))).toBeNull();
  });

  it('has a narrow interval when both sides vary together', () => {
    const hard = bySeed([0.1, 0.5, 0.9, 0.3, 0.7]);
    const harder = new Map([...hard].map(([seed, value]) => [seed, value - 0.05]));
    const found = comparePaired(hard, harder)!;
    expect(found.interval!.high - found.interval!.low).toBeLessThan(1e-12);
  });
});

describe('quantiles and medians', () => {
  const sorted = [...golden.summaries.codi.values].sort((a, b) => a - b);
  it.each(golden.quantiles)('%f agrees with numpy', (share, expected) => {
    expect(quantile(sorted, share!)).toBeCloseTo(expected!, 14);
  });

  it('takes the mean of the middle two, ignores NaN, and is undefined for an empty list', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([5, Number.NaN, 1, 2])).toBe(2);
    expect(median([])).toBeNaN();
    expect(quantile([], 0.5)).toBeNaN();
  });
});

it('tells how many seeds the sign-flip test needs to fall below a level', () => {
  for (const comparisons of [1, 4, 7, 20]) {
    const n = seedsNeeded(comparisons, 0.05);
    const least = (seeds: number) => comparisons * signFlip(new Array(seeds).fill(0.3));
    expect(least(n)).toBeLessThan(0.05);
    expect(least(n - 1)).toBeGreaterThanOrEqual(0.05);
  }
  // 2^(1 − 5) is not below 1/16.
  expect(seedsNeeded(1, 1 / 16)).toBe(6);
});
