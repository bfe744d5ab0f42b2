import type { CausalPoint, CausalReport } from '../../../contract/lens';
import { percent } from '../../ui/format';

/** The smallest rank from which on the whole model's accuracy lies within the interval at every larger rank. */
export function sufficientRank(points: readonly CausalPoint[], whole: number): number | null {
  const sorted = [...points].sort((a, b) => b.rank - a.rank);
  let rank: number | null = null;
  for (const point of sorted) {
    if (point.accuracy.high < whole) break;
    rank = point.rank;
  }
  return rank;
}

export function causalSentence({
  points,
  whole,
  hidden,
}: Pick<CausalReport, 'points' | 'whole' | 'hidden'>): string {
  const of = (directions: CausalPoint['directions']) =>
    points.filter((point) => point.directions === directions);
  const start = `The whole model gets ${percent(whole.share, 0)} right (${whole.correct} of ${whole.total}).`;
  if (whole.correct === 0)
    return `${start} With nothing right to begin with, no rank can take anything away: the test says nothing.`;
  const enough = sufficientRank(of('leading'), whole.share);
  const cost =
    enough === null || enough >= hidden
      ? 'Every measured rank below H costs more than the 95 % intervals allow for.'
      : `From rank ${enough} of ${hidden} on, the leading directions do as well within the 95 % intervals.`;
  const contrast =
    of('random').length === 0 ? 'Random directions were not tried.' : contrastOf(points, hidden);
  return `${start} ${cost} ${contrast}`;
}

/** Where leading and random directions differ most, beyond their intervals. */
function contrastOf(points: readonly CausalPoint[], hidden: number): string {
  const pairs = points
    .filter(({ directions, rank }) => directions === 'leading' && rank < hidden)
    .flatMap((leading) => {
      const random = points.find(({ rank, directions }) => directions === 'random' && rank === leading.rank);
      return random ? [{ rank: leading.rank, leading: leading.accuracy, random: random.accuracy }] : [];
    });
  const apart = pairs
    .filter(({ leading, random }) => leading.low > random.high || leading.high < random.low)
    .sort(
      (a, b) => Math.abs(b.leading.share - b.random.share) - Math.abs(a.leading.share - a.random.share),
    )[0];
  if (!apart)
    return 'At no measured rank do leading and random directions differ beyond their intervals: that these directions matter is not seen here.';
  return `They differ most at rank ${apart.rank}: ${percent(apart.leading.share, 0)} with the leading directions, ${percent(apart.random.share, 0)} with as many random ones.`;
}
