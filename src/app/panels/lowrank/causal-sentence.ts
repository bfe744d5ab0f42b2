import {
  type CausalComparison,
  clearestContrast,
  compareCausal,
  directionsKept,
  sufficientRank,
  undetectedRank,
} from '../../../contract/causal';
import type { CausalReport } from '../../../contract/lens';
import { MARGIN } from '../../../contract/paired';
import { percent, pValue } from '../../ui/format';

type Tested = Pick<CausalReport, 'points' | 'whole' | 'wholeOutcomes' | 'hidden'>;

/** What the paired comparisons support, and no more. */
export function causalSentence(report: Tested): string {
  const { whole } = report;
  const start = `The whole model gets ${percent(whole.share, 0)} right (${whole.correct} of ${whole.total}).`;
  if (whole.correct === 0)
    return `${start} With nothing right to begin with, no rank can take anything away: the test says nothing.`;
  const comparisons = compareCausal(report);
  if (comparisons.length === 0)
    return `${start} No rank below H was measured, so there is nothing to compare.`;
  return [start, lossOf(comparisons, report), ...contrastsOf(comparisons, report)].join(' ');
}

/** What is lost with the leading directions compared with the whole model. */
function lossOf(comparisons: readonly CausalComparison[], { whole, hidden }: Tested): string {
  const margin = percent(MARGIN, 0);
  const enough = sufficientRank(comparisons);
  if (enough !== null)
    return `From rank ${enough} of ${hidden} on, the leading directions do as well to within ${margin} of the problems: the 95 % intervals of the difference, paired by problem, exclude a larger loss.`;
  const undetected = undetectedRank(comparisons);
  if (undetected === null) return 'Every measured rank below H costs answers.';
  const losses = comparisons
    .filter((comparison) => comparison.with === 'whole' && comparison.rank >= undetected)
    .map(({ low }) => -low);
  return `From rank ${undetected} of ${hidden} on, no difference from the whole model was found with ${whole.total} problems; a loss of up to ${percent(Math.max(...losses), 0)} of them cannot be excluded.`;
}

function contrastsOf(comparisons: readonly CausalComparison[], { points, whole, hidden }: Tested): string[] {
  const tried = (['random', 'equal-energy'] as const).filter((control) =>
    comparisons.some((comparison) => comparison.with === control),
  );
  if (tried.length === 0) return ['Random directions were not tried.'];
  return tried.map((control) => {
    const found = clearestContrast(comparisons, control);
    const name =
      control === 'random' ? 'as many random directions' : 'random directions that keep as much energy';
    if (!found)
      return `With ${whole.total} problems no difference between the leading directions and ${name} was found at any measured rank.`;
    const at = (directions: 'leading' | typeof control) =>
      points.find((point) => point.rank === found.rank && point.directions === directions);
    const [leading, other] = [at('leading'), at(control)];
    const kept = control === 'equal-energy' && other ? ` (${directionsKept(other)} of ${hidden})` : '';
    return `The leading directions differ most from ${name}${kept} at rank ${found.rank}: ${percent(leading?.accuracy.share ?? 0, 0)} right against ${percent(other?.accuracy.share ?? 0, 0)} (${pText(found.p)}).`;
  });
}

/** A p-value as text, corrected for the number of comparisons. */
export const pText = (p: number): string => {
  const value = pValue(p);
  return value.startsWith('<') ? `p ${value}` : `p = ${value}`;
};
