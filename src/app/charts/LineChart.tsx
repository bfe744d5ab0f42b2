import { ChartFrame, type ChartProps } from './ChartFrame';
import { lineFigure } from './line-figure';
import { type Axis, type LineSeries, tableOf } from './series';

export interface LineChartProps extends ChartProps {
  readonly series: readonly LineSeries[];
  readonly x: Axis;
  readonly y: Axis;
  /** Initial scale of y; without it there is no choice, and the scale is linear. */
  readonly scale?: 'linear' | 'log';
}

/** Lines, with intervals as bars or areas. */
export function LineChart({ series, x, y, ...frame }: LineChartProps) {
  return (
    <ChartFrame
      {...frame}
      build={(view) => lineFigure(series, { x, y }, view)}
      of={[series, JSON.stringify([x, y])]}
      table={() => tableOf(series, x.column ?? x.label)}
    />
  );
}
