import type { ThoughtComparison, ThoughtTestReport } from '../../../../contract/thought-test';
import { conditionWords, FINDING_WORDS } from '../../../../contract/thought-test-words';
import { percent, significant } from '../../../ui/format';

const signed = (share: number) => `${share > 0 ? '+' : ''}${percent(share).replace('-', '−')}`;
const pText = (p: number) => (p < 0.001 ? '< 0.001' : significant(p, 2));

export const COLUMNS = [
  'Thoughts',
  'Problems',
  'Right',
  'Difference',
  '95 % interval',
  'p',
  'Answered differently',
  'Divergence (nats)',
  'Finding',
] as const;

/** The report's table, a row a condition; the straight run comes first. */
export function rowsOf(
  { straight, points }: ThoughtTestReport,
  comparisons: readonly ThoughtComparison[],
): (string | number | null)[][] {
  const whole = [
    conditionWords(straight.condition),
    straight.outcomes.length,
    percent(straight.accuracy.share),
    ...new Array<null>(6).fill(null),
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
        `${signed(one.interval.low)} to ${signed(one.interval.high)}`,
        pText(one.p),
        percent(one.changed),
        `${significant(one.divergence, 3)}${interval ? ` [${significant(interval.low, 3)}, ${significant(interval.high, 3)}]` : ''}`,
        FINDING_WORDS[one.finding],
      ];
    }),
  ];
}
