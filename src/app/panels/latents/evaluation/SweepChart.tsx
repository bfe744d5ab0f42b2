import { useMemo } from 'react';
import { summarise } from '../../../../contract/evaluation';
import { LineChart } from '../../../charts/LineChart';
import type { LineSeries } from '../../../charts/series';
import { sweepOf } from '../../../store/evaluation';
import { useApp, useTheme } from '../../../store/use-app';

/** Accuracy against the number of thoughts at evaluation, of the subject that is shown. */
export function SweepChart() {
  const theme = useTheme();
  const { list, shown } = useApp((state) => state.evaluation);
  const evaluation = list.find(({ id }) => id === shown)?.evaluation;
  const sweep = useMemo(() => (evaluation ? sweepOf(list, evaluation) : []), [list, evaluation]);
  const series = useMemo((): LineSeries[] => {
    const at = sweep.map(({ evaluation: one }) => summarise(one.items).accuracy);
    return [
      {
        name: 'share right',
        x: sweep.map(({ thoughts }) => thoughts),
        y: at.map(({ share }) => share),
        low: at.map(({ low }) => low),
        high: at.map(({ high }) => high),
        look: { marker: 0 },
      },
    ];
  }, [sweep]);
  if (!evaluation || sweep.length < 2) return null;
  return (
    <LineChart
      title="Accuracy against the number of thoughts"
      summary={`${evaluation.label}: the same problems with other numbers of thoughts; its own number, the only one that a student was last trained with, is ${evaluation.thoughts}.`}
      series={series}
      x={{ label: 'thoughts before the answer', column: 'thoughts' }}
      y={{ label: 'share right (95 %)', format: '%', range: [0, 1.02] }}
      scale="linear"
      height={260}
      theme={theme}
      source={`${evaluation.label} (${evaluation.model}) · ${evaluation.data.name} · ${evaluation.total} problems`}
      fileName="accuracy-by-number-of-thoughts"
    />
  );
}
