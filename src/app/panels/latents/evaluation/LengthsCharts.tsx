import { useMemo } from 'react';
import { reasoningLengths } from '../../../../contract/evaluation';
import { meanLength } from '../../../../contract/lengths';
import { LineChart } from '../../../charts/LineChart';
import type { KeptEvaluation } from '../../../store/evaluation';
import { useApp, useTheme } from '../../../store/use-app';
import { lengthHistogram } from '../../shared/lengths';
import { nameOf } from './EvaluationList';

/** How long the subject that is shown reasons, and the one it is compared with, right and wrong answers apart. */
export function LengthsCharts() {
  const { list, shown, other } = useApp((state) => state.evaluation);
  const found = [shown, other].flatMap((id) => list.find((one) => one.id === id) ?? []);
  return (
    <div className={found.length > 1 ? 'columns-2' : undefined}>
      {found.map((one) => (
        <LengthsChart key={one.id} one={one} />
      ))}
    </div>
  );
}

function LengthsChart({ one }: { readonly one: KeptEvaluation }) {
  const theme = useTheme();
  const { items, data, label, model } = one.evaluation;
  const lengths = useMemo(() => reasoningLengths(items), [items]);
  const series = useMemo(() => (lengths.length > 0 ? lengthHistogram(lengths).counts : []), [lengths]);
  // Of what answers at once there is nothing to see.
  if (!lengths.some(({ length }) => length > 0)) return null;
  return (
    <LineChart
      title={`Reasoning length: ${nameOf(one)}`}
      summary={`Problems by thoughts and tokens of a written rationale before the answer; ${meanLength(lengths).toFixed(1)} on average.`}
      source={`${label} (${model}) · ${data.name} · ${items.length} problems`}
      series={series}
      x={{ label: 'thoughts and written tokens', column: 'reasoning tokens', step: 1 }}
      y={{ label: 'problems' }}
      theme={theme}
      height={240}
      fileName="reasoning-length"
    />
  );
}
