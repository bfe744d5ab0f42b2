import { bootstrapInterval, type Interval, mean, median, splitmix32, standardDeviation } from './statistics';

/**
 * Accuracy over seeds. The unit is the seed: a run draws its own training samples, batch order and initialisation, and
 * runs differ by far more than the problems of one run do. Problems of several seeds are never pooled.
 */

/** Fewer seeds than this are still summarised, with a note that they are few. */
export const ENOUGH_SEEDS = 10;

/** One figure per seed, for example the share of held-out problems answered correctly. */
export type BySeed = ReadonlyMap<number, number>;

export interface SeedSummary {
  /** Seeds. */
  readonly n: number;
  readonly median: number;
  readonly mean: number;
  /** Over seeds, n − 1 in the denominator; NaN for one seed. */
  readonly sd: number;
  readonly min: number;
  readonly max: number;
  /** 95 % bootstrap intervals over seeds; `null` for one seed. */
  readonly medianInterval: Interval | null;
  readonly meanInterval: Interval | null;
}

/** @throws RangeError for no seeds */
export function summariseSeeds(figures: BySeed): SeedSummary {
  const values = ascending(figures);
  if (values.length === 0) throw new RangeError('a summary over seeds needs one seed at least; got none');
  return {
    n: values.length,
    median: median(values),
    mean: mean(values),
    sd: standardDeviation(values),
    min: Math.min(...values),
    max: Math.max(...values),
    medianInterval: bootstrapInterval(values, median),
    meanInterval: bootstrapInterval(values, mean),
  };
}

export interface PairedSummary {
  /** Number of seeds that both have. */
  readonly n: number;
  /** Mean over seeds of (figure − baseline's figure of the same seed). */
  readonly difference: number;
  /** 95 % bootstrap interval of it over seeds; `null` for fewer than two seeds. */
  readonly interval: Interval | null;
  /** Number of seeds on which the figure is higher than the baseline's, and on which it is lower. */
  readonly higher: number;
  readonly lower: number;
}

/** The difference from a baseline, paired by seed; `null` if the two have no seed in common. */
export function comparePaired(figures: BySeed, baseline: BySeed): PairedSummary | null {
  const values = pairedDifferences(figures, baseline);
  if (values.length === 0) return null;
  return {
    n: values.length,
    difference: mean(values),
    interval: bootstrapInterval(values, mean),
    higher: values.filter((value) => value > 0).length,
    lower: values.filter((value) => value < 0).length,
  };
}

/** Figure minus baseline's figure on every seed that both have, in the order of the seeds. */
export function pairedDifferences(figures: BySeed, baseline: BySeed): number[] {
  const differences = new Map<number, number>();
  for (const [seed, value] of figures) {
    const other = baseline.get(seed);
    if (other !== undefined) differences.set(seed, value - other);
  }
  return ascending(differences);
}

/** Sorted by seed, so that the order of runs does not change a digit. */
const ascending = (figures: BySeed): number[] =>
  [...figures].sort(([a], [b]) => a - b).map(([, value]) => value);

/** Differences up to this number are tested over all their signs; of more, over `DRAWN` random ones. */
const MAX_EXACT = 16;
const DRAWN = 1 << 16;

/**
 * Two-sided sign-flip test of paired differences (Fisher 1935): the share of all ways of giving them signs in which their sum is
 * at least as far from 0 as it is. 1 without a difference that is not 0.
 */
export function signFlip(differences: readonly number[]): number {
  const sizes = differences.filter((value) => value !== 0).map(Math.abs);
  const n = sizes.length;
  const seen = Math.abs(differences.reduce((sum, value) => sum + value, 0));
  // Sums of the same numbers in another order differ by rounding.
  const reached = (sum: number): boolean => Math.abs(sum) >= seen - 1e-12 * (1 + seen);
  const draw = splitmix32(1);
  const ways = n <= MAX_EXACT ? 2 ** n : DRAWN;
  let count = 0;
  for (let way = 0; way < ways; way++) {
    const signs = n <= MAX_EXACT ? way : null;
    const sum = sizes.reduce((total, size, i) => {
      const isNegative = signs === null ? draw() < 0.5 : ((signs >> i) & 1) === 1;
      return isNegative ? total - size : total + size;
    }, 0);
    if (reached(sum)) count++;
  }
  // Among random ways the one that was seen counts as one of them.
  return n <= MAX_EXACT ? count / ways : (count + 1) / (ways + 1);
}

/**
 * Fewest seeds with which `signFlip` can fall below `alpha` after a correction for so many comparisons, whatever the figures: its least p
 * is 2^(1 − n), where all n differences have one sign.
 */
export const seedsNeeded = (comparisons: number, alpha: number): number =>
  Math.floor(1 + Math.log2(comparisons / alpha)) + 1;
