import { useMemo } from 'react';
import {
  AGAINST_WORDS,
  type CausalComparison,
  compareCausal,
  directionsKept,
} from '../../../../contract/causal';
import type { CausalReport } from '../../../../contract/lens';
import { ALPHA } from '../../../../contract/paired';
import { DataTable } from '../../../ui/DataTable';
import { percent, signedPercent as signed } from '../../../ui/format';
import { pText } from '../causal-sentence';

/** The leading directions against each of what they are compared with, rank by rank, paired by problem. */
export function CausalTable({ report }: { readonly report: CausalReport }) {
  const comparisons = useMemo(() => compareCausal(report), [report]);
  if (comparisons.length === 0) return null;
  return (
    <>
      <DataTable
        caption="Leading directions compared problem by problem"
        columns={[
          'Rank r',
          'Against',
          'Directions kept',
          'Right',
          'Difference',
          '95 % interval',
          'Only leading right',
          'Only the other right',
          'p',
        ]}
        rows={comparisons.map((one) => rowOf(one, report))}
      />
      <p className="help">
        The difference is the share right with the leading directions less that of the other. p is McNemar’s
        exact test, corrected by Holm for all {comparisons.length} comparisons; a difference counts as found
        below {ALPHA}. The intervals are Tango’s for paired proportions, each for its comparison alone.
      </p>
    </>
  );
}

function rowOf(one: CausalComparison, { points, whole }: CausalReport): (string | number)[] {
  const other = points.find((point) => point.rank === one.rank && point.directions === one.with);
  return [
    one.rank,
    AGAINST_WORDS[one.with],
    other ? directionsKept(other) : 'all',
    percent(other?.accuracy.share ?? whole.share),
    signed(one.difference),
    `${signed(one.low)} to ${signed(one.high)}`,
    one.gained,
    one.lost,
    pText(one.p),
  ];
}
