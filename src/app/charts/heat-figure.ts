import { significant } from '../ui/format';
import { type Axis, axisOf, colourBarOf, type Figure, layoutOf, type Table, type View } from './figure';
import type { HoverKey } from './link';
import { areaScale, paper, viridis } from './look';
import { type Data, plain } from './plotly';

/** Rows or columns of a matrix, in their order. */
export interface MatrixAxis extends Axis {
  readonly values: readonly (number | string)[];
  /** Keys in a hover link; at most one of the axes has them. */
  readonly keys?: readonly HoverKey[];
}

export interface Matrix {
  /** Columns, left to right. */
  readonly x: MatrixAxis;
  /** Rows, bottom to top. */
  readonly y: MatrixAxis;
  /** [y, x], row by row; NaN where there is none. */
  readonly z: ArrayLike<number>;
  /** Name of the values, with their unit. */
  readonly value: Axis;
}

/** Maximum number of cells for which numbers are written. */
const WRITTEN = 120;

/** Cells as colours; on a logarithmic scale values that are not positive have none. */
export function heatFigure({ x, y, z, value }: Matrix, view: View): Figure {
  const { theme, log, width } = view;
  const columns = x.values.length;
  const rows = y.values.length;
  if (z.length !== rows * columns) {
    throw new RangeError(`heat map of ${rows} × ${columns} cells was given ${z.length} values`);
  }
  const at = (i: number, j: number) => z[i * columns + j]!;
  const shade = (v: number) => (log ? (v > 0 ? Math.log10(v) : Number.NaN) : v);
  const cells = y.values.map((_, i) => x.values.map((__, j) => shade(at(i, j))));
  const finite = cells.flat().filter(Number.isFinite);
  const low = value.range && !log ? value.range[0] : Math.min(...finite);
  const high = value.range && !log ? value.range[1] : Math.max(...finite);
  const isWritten = rows * columns <= WRITTEN && width / columns > 44;
  const written = (v: number) =>
    Number.isNaN(v) ? '' : value.format === '%' ? `${(100 * v).toFixed(1)} %` : significant(v, 2);
  const bar = colourBarOf(value.label, theme);

  const layout = layoutOf([x, y, value], view);
  const axis = (of: MatrixAxis) => ({
    ...axisOf({ label: of.label }, theme),
    ...ticksOf(
      of,
      of === x ? Math.max(2, Math.floor(width / 60)) : Math.max(2, Math.floor(view.height / 26)),
    ),
    showgrid: false,
  });
  return {
    data: [
      {
        type: 'heatmap',
        z: cells,
        x: x.values.map((_, j) => j),
        y: y.values.map((_, i) => i),
        customdata: y.values.map((row, i) =>
          x.values.map((column, j) => [plain(String(column)), plain(String(row)), hoverOf(at(i, j), value)]),
        ),
        colorscale: areaScale,
        ...(finite.length > 0 && low < high && { zmin: low, zmax: high }),
        hoverongaps: false,
        xgap: columns <= 40 ? 1 : 0,
        ygap: rows <= 40 ? 1 : 0,
        colorbar: {
          ...bar,
          ...(log ? powers(low, high) : value.format === '%' ? { tickformat: '.0%' } : {}),
        },
        hovertemplate: `${plain(x.label)} %{customdata[0]}<br>${plain(y.label)} %{customdata[1]}<br>${plain(value.label)} %{customdata[2]}<extra></extra>`,
      } as unknown as Data,
    ],
    layout: {
      ...layout,
      xaxis: axis(x),
      yaxis: axis(y),
      annotations: isWritten
        ? y.values.flatMap((_, i) =>
            x.values.map((__, j) => ({
              x: j,
              y: i,
              text: written(at(i, j)),
              showarrow: false,
              font: { size: 11, color: inkOn((cells[i]![j]! - low) / (high - low || 1), theme) },
            })),
          )
        : [],
    } as Figure['layout'],
    keyAt: (_, point) => {
      if (typeof point === 'number') return null;
      return y.keys?.[point[0]] ?? x.keys?.[point[1]] ?? null;
    },
    keys: new Set([...(x.keys ?? []), ...(y.keys ?? [])]),
    emphasis: (key) => {
      const row = key === null ? -1 : (y.keys?.indexOf(key) ?? -1);
      const column = key === null ? -1 : (x.keys?.indexOf(key) ?? -1);
      const frame = (x0: number, x1: number, y0: number, y1: number) => ({
        type: 'rect',
        x0,
        x1,
        y0,
        y1,
        line: { color: paper[theme].text, width: 2 },
      });
      const shapes =
        row >= 0
          ? [frame(-0.5, columns - 0.5, row - 0.5, row + 0.5)]
          : column >= 0
            ? [frame(column - 0.5, column + 0.5, -0.5, rows - 0.5)]
            : [];
      return { shapes };
    },
  };
}

const hoverOf = (v: number, value: Axis) =>
  value.format === '%' ? `${(100 * v).toPrecision(3)} %` : significant(v);

/** The labels of an axis, at most `max` of them. */
function ticksOf({ values }: MatrixAxis, max: number) {
  const every = Math.max(1, Math.ceil(values.length / max));
  const shown = values.map((_, i) => i).filter((i) => i % every === 0);
  return {
    tickmode: 'array',
    tickvals: shown,
    ticktext: shown.map((i) => plain(String(values[i]))),
  };
}

/** Ticks of a logarithmic colour bar: powers of ten, or a few values if there is none in between. */
function powers(low: number, high: number) {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return {};
  const from = Math.ceil(low);
  const to = Math.floor(high);
  const every = Math.max(1, Math.ceil((to - from) / 6));
  const tickvals: number[] = [];
  for (let power = from; power <= to; power += every) tickvals.push(power);
  if (tickvals.length < 2) {
    const values = [low, (low + high) / 2, high];
    return { tickvals: values, ticktext: values.map((v) => significant(10 ** v, 2)) };
  }
  return { tickvals, ticktext: tickvals.map((power) => `10<sup>${power}</sup>`.replace('-', '−')) };
}

/** Black or white, whichever is more readable on this part of the scale: a contrast of at least 4.5. */
export function inkOn(share: number, theme: View['theme']): string {
  if (!Number.isFinite(share)) return paper[theme].text;
  return share * (viridis.length - 1) < 4.33 ? '#ffffff' : '#000000';
}

/** The matrix as a table. */
export function matrixTable({ x, y, z }: Matrix): Table {
  const corner = `${y.column ?? y.label} \\ ${x.column ?? x.label}`;
  return {
    columns: [corner, ...x.values.map(String)],
    rows: y.values.map((row, i) => [
      String(row),
      ...x.values.map((_, j) => z[i * x.values.length + j] ?? null),
    ]),
  };
}

/** One row per cell, for a file. */
export function matrixFile({ x, y, z, value }: Matrix): Table {
  return {
    columns: [y.column ?? y.label, x.column ?? x.label, value.column ?? value.label],
    rows: y.values.flatMap((row, i) =>
      x.values.map((column, j) => [row, column, z[i * x.values.length + j] ?? null]),
    ),
  };
}
