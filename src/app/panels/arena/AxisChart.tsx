import { useMemo } from 'react';
import type { Arena, ArenaAxis } from '../../../contract/arena';
import { axisPoints, offAxis } from '../../../contract/arena-axis';
import { LineChart } from '../../charts/LineChart';
import { useTheme } from '../../store/use-app';
import { axisLines, axisNames, axisSentence, axisTitle, measureAxis } from './axis-lines';

/** An ablation's figures against what is varied: every seed, medians, and intervals over seeds. */
export function AxisChart({ arena, axis }: { readonly arena: Arena; readonly axis: ArenaAxis }) {
  const theme = useTheme();
  const points = useMemo(() => axisPoints(arena), [arena]);
  const lines = useMemo(() => axisLines(points, axis), [points, axis]);
  return (
    <LineChart
      title={axisTitle(axis)}
      summary={`${axisSentence(points, axis)} ${offAxis(arena)}`.trim()}
      source={`ablation ${axis.ablation} · ${arena.seeds.length === 1 ? '1 seed' : `${arena.seeds.length} seeds`} · ${arena.contenders[0]?.config.data.heldOut ?? 0} held-out problems each`}
      series={lines}
      x={axisNames(points, axis)}
      y={measureAxis(axis)}
      theme={theme}
      height={320}
      fileName={`ablation-${axis.ablation}`}
    />
  );
}
