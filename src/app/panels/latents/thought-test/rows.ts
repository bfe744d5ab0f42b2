import type { Interval } from '../../../../contract/statistics';
import type { ThoughtComparison, ThoughtTestReport } from '../../../../contract/thought-test';
import { conditionWords, FINDING_WORDS } from '../../../../contract/thought-test-words';
import { percent, pValue, signedPercent as signed, significant } from '../../../ui/format';

const span = ({ low, high }: Interval): string => `${signed(low)} to ${signed(high)}`;

/** The report's table, a row a condition; the straight run comes first. */
export function rowsOf(
  { straight, points }: ThoughtTestReport,
  comparisons: readonly ThoughtComparison[],
): (string | number | null)[][] {
  const whole = [
    conditionWords(straight.condition),
    straight.outcomes.length,
    percent(straight.accuracy.share),
    ...new Array<null>(7).fill(null),
  ];
  return [
    whole,
    ...comparisons.map((one, i) => {
      const point = points[i];
      const { divergenceInterval: interval } = one;
      return [
        `${conditionWords(one.condition)}${point?.directions === undefined ? '' : ` (${point.directions} kept)`}`,
        point?.outcomes.length ?? null,
        percent(point?.accuracy.share ?? Number.NaN),
        signed(one.difference),
        span(one.interval),
        pValue(one.p),
        FINDING_WORDS[one.finding],
        one.bootstrap && span(one.bootstrap),
        percent(one.changed),
        `${significant(one.divergence, 3)}${interval ? ` [${significant(interval.low, 3)}, ${significant(interval.high, 3)}]` : ''}`,
      ];
    }),
  ];
}
