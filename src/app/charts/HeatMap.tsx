import { ChartFrame, type ChartProps } from './ChartFrame';
import { heatFigure, type Matrix, matrixFile, matrixTable } from './heat-figure';

export interface HeatMapProps extends ChartProps, Matrix {
  /** Initial scale of the colours; without it there is no choice, and the scale is linear. */
  readonly scale?: 'linear' | 'log';
}

/** A matrix as colours, with numbers in the cells if there are few. */
export function HeatMap({ x, y, z, value, ...frame }: HeatMapProps) {
  const matrix = { x, y, z, value };
  return (
    <ChartFrame
      {...frame}
      parts={parts}
      build={(view) => heatFigure(matrix, view)}
      of={[z, JSON.stringify([x, y, value])]}
      table={() => matrixTable(matrix)}
      file={() => matrixFile(matrix)}
    />
  );
}

const parts = ['heatmap'] as const;
