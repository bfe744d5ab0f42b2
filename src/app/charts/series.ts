/** One line of a chart. */
export interface LineSeries {
  readonly name: string;
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** Ends of an interval around each y. */
  readonly low?: ArrayLike<number>;
  readonly high?: ArrayLike<number>;
  /** `strong` stands out, `faint` steps back; default in between. */
  readonly weight?: 'strong' | 'faint';
  /** A constant to compare with: a thin line without markers. */
  readonly reference?: boolean;
}

export interface Axis {
  readonly label: string;
  /** What the values are in the table and in files; default the label. */
  readonly column?: string;
  readonly range?: readonly [number, number];
  /** `%` writes shares as percentages. */
  readonly format?: '%';
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

/** The lines as rows of a table: one row for each x that any of them has, ascending. */
export function rowsOf(series: readonly LineSeries[]): (number | null)[][] {
  const columns = series.map(({ x, y }) => new Map(Array.from(x, (value, i) => [value, y[i] ?? null])));
  const all = [...new Set(columns.flatMap((column) => [...column.keys()]))].sort((a, b) => a - b);
  return all.map((x) => [x, ...columns.map((column) => column.get(x) ?? null)]);
}
