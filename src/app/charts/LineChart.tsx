import { ChartFrame, type ChartProps } from './ChartFrame';
import { lineFigure } from './line-figure';
import type { Mark } from './marks';
import { type Axis, type LineSeries, tableOf } from './series';
import type { Table } from './table';

export interface LineChartProps extends ChartProps {
  readonly series: readonly LineSeries[];
  readonly x: Axis;
  readonly y: Axis;
  /** Initial scale of y; without it there is no choice, and the scale is linear. */
  readonly scale?: 'linear' | 'log';
  /** Places on the x axis where something begins. */
  readonly marks?: readonly Mark[];
  /** The values, for the table and for files, where x is only a place to draw at. */
  readonly table?: () => Table;
  /** The same for files, where those have more than the table. */
  readonly file?: () => Table;
}

/** Lines, with intervals as bars or areas. */
export function LineChart({ series, x, y, marks, table, file, ...frame }: LineChartProps) {
  return (
    <ChartFrame
      {...frame}
      build={(view) => lineFigure(series, { x, y, marks }, view)}
      of={[series, JSON.stringify([x, y, marks])]}
      table={table ?? (() => tableOf(series, x.column ?? x.label, x.names))}
      {...(file && { file })}
    />
  );
}
