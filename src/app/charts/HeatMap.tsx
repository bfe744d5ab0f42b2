import { ChartFrame, type ChartProps } from './ChartFrame';
import { heatFigure, type Matrix, matrixFile, matrixTable } from './heat-figure';

export interface HeatMapProps extends ChartProps, Matrix {
  /** Scale of the colours at first; without it there is no choice and the scale is linear. */
  readonly scale?: 'linear' | 'log';
}

/** A matrix as colours, with the numbers in the cells where they are few. */
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
