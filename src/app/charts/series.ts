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
  /** Points alone, not joined. */
  readonly points?: boolean;
  /** What a hover link knows it by. */
  readonly key?: HoverKey;
  /** What a hover link knows each point by: its layer, or its sample. Told before `key`. */
  readonly keys?: readonly (HoverKey | null)[];
  /** Shown when pointed at, under the name. */
  readonly about?: string;
  /** Numbers of colour, dash and marker; default the place among the lines. The same number looks the same in all charts. */
  readonly look?: { readonly colour?: number; readonly dash?: number; readonly marker?: number };
  /** Whether the legend names it; without any that says so, all are named where they are two to seven. */
  readonly legend?: boolean;
}

/** Most points of a line that are drawn; the file and the table have them all. */
export const DRAWN_POINTS = 600;

/**
 * The places to draw: of equally long stretches the lowest and the highest value each, so that no peak is lost. All,
 * if they are few. A stretch with a value that is not finite keeps it, as the gap it is.
 */
export function placesToDraw(y: ArrayLike<number>, most = DRAWN_POINTS): number[] {
  const n = y.length;
  if (n <= most) return Array.from({ length: n }, (_, i) => i);
  const stretches = Math.floor((most - 2) / 3);
  const places = new Set([0, n - 1]);
  for (let s = 0; s < stretches; s++) {
    const from = Math.floor((s * n) / stretches);
    const to = Math.floor(((s + 1) * n) / stretches);
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
 * The lines as a table: one row for each x that any of them has, ascending; ends of intervals beside their value. Of
 * points that have keys, one row for each, with the key in a column `of`.
 */
export function tableOf(series: readonly LineSeries[], x: string): Table {
  const columns = series.flatMap((line) => [
    line,
    ...(line.low ? [{ ...line, name: `${line.name}, low`, y: line.low }] : []),
    ...(line.high ? [{ ...line, name: `${line.name}, high`, y: line.high }] : []),
  ]);
  const named = series.some(({ points, keys }) => points && keys);
  const rows = rowsOf(columns);
  return {
    columns: [x, ...(named ? ['of'] : []), ...columns.map(({ name }) => name)],
    rows: rows.map(({ x: at, of, values }) => [at, ...(named ? [of] : []), ...values]),
  };
}

interface Row {
  readonly x: number;
  readonly of: HoverKey | null;
  readonly values: (number | null)[];
}

/** Values by x, ascending. What a line has several times at one x are rows of their own: none takes another's place. */
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
