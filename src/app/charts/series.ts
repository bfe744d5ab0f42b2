import type { HoverKey } from './link';
import type { Axis, Table } from './table';

export type { Axis };

/** One line of a chart. */
export interface LineSeries {
  readonly name: string;
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** Ends of an interval around each y. */
  readonly low?: ArrayLike<number>;
  readonly high?: ArrayLike<number>;
  /** How the interval is drawn; default `bars`. */
  readonly interval?: 'bars' | 'area';
  /** `strong` stands out, `faint` steps back; default in between. */
  readonly weight?: 'strong' | 'faint';
  /** A constant to compare with: a thin line without markers. */
  readonly reference?: boolean;
  /** Counts by whole numbers: a step around each x, filled down to 0. */
  readonly steps?: boolean;
  /** Points only, not joined. */
  readonly points?: boolean;
  /** The line's key in a hover link. */
  readonly key?: HoverKey;
  /** Each point's key in a hover link: its layer, or its sample. Takes precedence over `key`. */
  readonly keys?: readonly (HoverKey | null)[];
  /** Each point's own name, shown when it is pointed at, behind that of the line. */
  readonly pointNames?: readonly string[];
  /** Shown when pointed at, under the name. */
  readonly about?: string;
  /** Number that selects colour, dash and marker, the same in all charts; default the position among the lines. */
  readonly look?: { readonly colour?: number; readonly dash?: number; readonly marker?: number };
  /** Whether the legend names it; if no line says so, all are named if there are two to seven. */
  readonly legend?: boolean;
}

/** Maximum number of points drawn per line; the file and the table have them all. */
export const DRAWN_POINTS = 600;

/**
 * The positions to draw: the lowest and the highest value of each of equally long intervals, so that no peak is lost. All,
 * if there are few. An interval with a value that is not finite keeps that too, as a gap.
 */
export function placesToDraw(y: ArrayLike<number>, maxPoints = DRAWN_POINTS): number[] {
  const n = y.length;
  if (n <= maxPoints) return Array.from({ length: n }, (_, i) => i);
  const intervals = Math.floor((maxPoints - 2) / 3);
  const places = new Set([0, n - 1]);
  for (let s = 0; s < intervals; s++) {
    const from = Math.floor((s * n) / intervals);
    const to = Math.floor(((s + 1) * n) / intervals);
    let low = from;
    let high = from;
    for (let i = from; i < to; i++) {
      const value = y[i]!;
      if (!Number.isFinite(value)) places.add(i);
      if (value < y[low]! || !Number.isFinite(y[low])) low = i;
      if (value > y[high]! || !Number.isFinite(y[high])) high = i;
    }
    places.add(low).add(high);
  }
  return [...places].sort((a, b) => a - b);
}

/**
 * The lines as a table: one row for each x that any of them has, ascending, with ends of intervals beside their value. For
 * points with keys, one row per point, with the key in a column `of`.
 * @param names what stands at 1, 2, … of the axis
 */
export function tableOf(series: readonly LineSeries[], x: string, names: readonly string[] = []): Table {
  const columns = series.flatMap((line) => [
    line,
    ...(line.low ? [{ ...line, name: `${line.name}, low`, y: line.low }] : []),
    ...(line.high ? [{ ...line, name: `${line.name}, high`, y: line.high }] : []),
  ]);
  const named = series.some(({ points, keys }) => points && keys);
  const rows = rowsOf(columns);
  return {
    columns: [x, ...(named ? ['of'] : []), ...columns.map(({ name }) => name)],
    rows: rows.map(({ x: at, of, values }) => [names[at - 1] ?? at, ...(named ? [of] : []), ...values]),
  };
}

interface Row {
  readonly x: number;
  readonly of: HoverKey | null;
  readonly values: (number | null)[];
}

/** Values by x, ascending. Several values of a line at the same x get rows of their own, so that none is lost. */
export function rowsOf(series: readonly Pick<LineSeries, 'x' | 'y' | 'points' | 'keys'>[]): Row[] {
  const rows = new Map<string, Row>();
  series.forEach(({ x, y, points, keys }, column) => {
    const met = new Map<number, number>();
    for (let i = 0; i < x.length; i++) {
      const at = x[i]!;
      const nth = met.get(at) ?? 0;
      met.set(at, nth + 1);
      const of = (points && keys?.[i]) || null;
      const id = of === null ? `${at} ${nth}` : `${at} of ${of}`;
      const row = rows.get(id) ?? { x: at, of, values: series.map(() => null) };
      row.values[column] = y[i] ?? null;
      rows.set(id, row);
    }
  });
  return [...rows.values()].sort((a, b) => a.x - b.x);
}
