import { type Bars, barFigure, barTable } from './bar-figure';
import { ChartFrame, type ChartProps } from './ChartFrame';

export interface BarChartProps extends ChartProps, Bars {
  /** Scale of y at first; without it there is no choice and the scale is linear. */
  readonly scale?: 'linear' | 'log';
}

/** Grouped bars, told apart by pattern besides colour. */
export function BarChart({ series, categories, keys, x, y, ...frame }: BarChartProps) {
  const bars: Bars = { series, categories, ...(keys && { keys }), x, y };
  return (
    <ChartFrame
      {...frame}
      parts={parts}
      build={(view) => barFigure(bars, view)}
      of={[series, JSON.stringify([categories, keys, x, y])]}
      table={() => barTable(bars)}
    />
  );
}

const parts = ['bar'] as const;
