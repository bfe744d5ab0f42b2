import { useMemo } from 'react';
import { accuracyBySteps } from '../../../../contract/evaluation';
import { useApp } from '../../../store/use-app';
import { DataTable } from '../../../ui/DataTable';
import { percent } from '../../../ui/format';
import { nameOf } from './EvaluationList';

/** The share of right answers by number of steps of the reference rationale; nothing where all problems have as many. */
export function StepsTable() {
  const list = useApp((state) => state.evaluation.list);
  const found = useMemo(
    () =>
      list.map(({ evaluation }) => new Map(accuracyBySteps(evaluation.items).map((one) => [one.steps, one]))),
    [list],
  );
  const counts = [...new Set(found.flatMap((one) => [...one.keys()]))].sort((a, b) => a - b);
  if (counts.length < 2) return null;
  return (
    <DataTable
      caption="Right by number of steps of the reference, and of how many problems"
      columns={['Evaluation', ...counts.map((n) => `${n} ${n === 1 ? 'step' : 'steps'}`)]}
      rows={list.map((one, i) => [
        nameOf(one),
        ...counts.map((n) => {
          const accuracy = found[i]?.get(n)?.accuracy;
          return accuracy ? `${percent(accuracy.share)} of ${accuracy.total}` : null;
        }),
      ])}
    />
  );
}
