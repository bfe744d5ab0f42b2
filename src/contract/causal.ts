import type { CausalDirections, CausalPoint, CausalReport } from './lens';
import { ALPHA, compareOutcomes, discordant, MARGIN } from './paired';

/**
 * What a causal test shows, from outcomes paired by problem. A difference is established by McNemar's exact test, corrected
 * by Holm for all comparisons in the test; that little is lost is established only if the 95 % interval of the paired
 * difference (Tango) excludes a loss of `MARGIN`. Otherwise all that is known is that no difference was found.
 */

/** What the leading directions are compared with, in words. */
export const AGAINST_WORDS = {
  whole: 'the whole model',
  random: 'as many random directions',
  'equal-energy': 'random directions of equal energy',
} as const;

/** The directions that are kept, in words. */
export const DIRECTION_WORDS: Readonly<Record<CausalDirections, string>> = {
  leading: 'leading directions',
  random: AGAINST_WORDS.random,
  'equal-energy': AGAINST_WORDS['equal-energy'],
};

/** Leading directions against the whole model, or against random directions at the same rank. */
export interface CausalComparison {
  readonly rank: number;
  readonly with: 'whole' | Exclude<CausalDirections, 'leading'>;
  /** Share right with the leading directions minus share right with the other. */
  readonly difference: number;
  /** 95 % interval, for this comparison alone. */
  readonly low: number;
  readonly high: number;
  /** Problems that only the leading directions get right, and those that only the other gets right. */
  readonly gained: number;
  readonly lost: number;
  /** McNemar's exact test, two-sided, corrected by Holm for the number of comparisons. */
  readonly p: number;
}

/** Rank H is left out: there the hidden states are unchanged, to the bit. */
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
  const compared = compareOutcomes(pairs.map(({ counts }) => counts));
  return pairs.map(({ counts: { gained, lost }, ...pair }, i) => {
    const { interval, ...rest } = compared[i] as (typeof compared)[number];
    return { ...pair, ...rest, ...interval, gained, lost };
  });
}

/**
 * The smallest rank such that a loss of `MARGIN` is excluded there and at every larger rank; null if there is none. Ranks
 * are tested from the largest down until the first failure: a fixed sequence, which needs no correction.
 */
export const sufficientRank = (comparisons: readonly CausalComparison[]): number | null =>
  lowestFromTop(comparisons, ({ low }) => low > -MARGIN);

/** The smallest rank such that no difference from the whole model was found there and at every larger rank. */
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

/** The comparison with these random directions that has the largest difference found, if any was. */
export function clearestContrast(
  comparisons: readonly CausalComparison[],
  control: CausalComparison['with'],
): CausalComparison | null {
  const found = comparisons.filter((comparison) => comparison.with === control && comparison.p < ALPHA);
  return found.sort((a, b) => Math.abs(b.difference) - Math.abs(a.difference))[0] ?? null;
}

/** Number of directions that a point kept, over its layers: `40`, or `38 to 41`. */
export function directionsKept({ kept }: Pick<CausalPoint, 'kept'>): string {
  const counts = kept.map(({ directions }) => directions);
  const [low, high] = [Math.min(...counts), Math.max(...counts)];
  return low === high ? `${low}` : `${low} to ${high}`;
}
