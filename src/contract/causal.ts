import type { CausalDirections, CausalPoint, CausalReport } from './lens';
import { discordant, holm, mcnemar, pairedInterval } from './paired';

/**
 * What a causal test says, from outcomes paired by problem. A difference is found by McNemar's exact test, corrected by Holm
 * for all comparisons of the test; that nothing much is lost is found only where the 95 % interval of the paired difference
 * (Tango) excludes a loss of `MARGIN`. Between the two nothing is known but that no difference was found.
 */

/** The loss, as a share of the problems, that counts as none. */
export const MARGIN = 0.05;
/** Significance level, after correction. */
export const ALPHA = 0.05;

/** Leading directions against the whole model, or against random directions at the same rank. */
export interface CausalComparison {
  readonly rank: number;
  readonly with: 'whole' | Exclude<CausalDirections, 'leading'>;
  /** Share right with the leading directions, less the share right with the other. */
  readonly difference: number;
  /** 95 %, of this comparison alone. */
  readonly low: number;
  readonly high: number;
  /** Problems that only the leading directions get right, and that only the other does. */
  readonly gained: number;
  readonly lost: number;
  /** McNemar's exact test, two-sided, corrected by Holm for the number of comparisons. */
  readonly p: number;
}

/** Rank H is left out: the states are as they were there, to the bit. */
export function compareCausal({
  points,
  wholeOutcomes,
  hidden,
}: Pick<CausalReport, 'points' | 'wholeOutcomes' | 'hidden'>): CausalComparison[] {
  const at = (rank: number, directions: CausalDirections) =>
    points.find((point) => point.rank === rank && point.directions === directions);
  const pairs = points
    .filter(({ directions, rank }) => directions === 'leading' && rank < hidden)
    .flatMap(({ rank, outcomes }) =>
      (['whole', 'random', 'equal-energy'] as const).flatMap((other) => {
        const against = other === 'whole' ? wholeOutcomes : at(rank, other)?.outcomes;
        return against ? [{ rank, with: other, counts: discordant(outcomes, against) }] : [];
      }),
    );
  const p = holm(pairs.map(({ counts }) => mcnemar(counts)));
  return pairs.map(({ counts, ...pair }, i) => ({
    ...pair,
    difference: (counts.gained - counts.lost) / counts.problems,
    ...pairedInterval(counts),
    gained: counts.gained,
    lost: counts.lost,
    p: p[i] as number,
  }));
}

/**
 * The smallest rank from which on, at every larger one, a loss of `MARGIN` is excluded; null where there is none. The ranks
 * are gone through from the largest down and the first failure ends it: in a fixed order, so nothing is to be corrected.
 */
export const sufficientRank = (comparisons: readonly CausalComparison[]): number | null =>
  lowestFromTop(comparisons, ({ low }) => low > -MARGIN);

/** The smallest rank from which on, at every larger one, no difference from the whole model was found. */
export const undetectedRank = (comparisons: readonly CausalComparison[]): number | null =>
  lowestFromTop(comparisons, ({ p }) => p >= ALPHA);

function lowestFromTop(
  comparisons: readonly CausalComparison[],
  holds: (comparison: CausalComparison) => boolean,
): number | null {
  let rank: number | null = null;
  const ofWhole = comparisons.filter((comparison) => comparison.with === 'whole');
  for (const comparison of [...ofWhole].sort((a, b) => b.rank - a.rank)) {
    if (!holds(comparison)) break;
    rank = comparison.rank;
  }
  return rank;
}

/** The comparison with these random directions where the difference is largest of those that were found, if any was. */
export function clearestContrast(
  comparisons: readonly CausalComparison[],
  control: CausalComparison['with'],
): CausalComparison | null {
  const found = comparisons.filter((comparison) => comparison.with === control && comparison.p < ALPHA);
  return found.sort((a, b) => Math.abs(b.difference) - Math.abs(a.difference))[0] ?? null;
}

/** Directions that a point kept, over its layers: `40`, or `38 to 41`. */
export function directionsKept({ kept }: Pick<CausalPoint, 'kept'>): string {
  const counts = kept.map(({ directions }) => directions);
  const [low, high] = [Math.min(...counts), Math.max(...counts)];
  return low === high ? `${low}` : `${low} to ${high}`;
}
