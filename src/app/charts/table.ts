export interface Axis {
  readonly label: string;
  /** Name of the values in the table and in files; default the label. */
  readonly column?: string;
  readonly range?: readonly [number, number];
  /** `%` writes shares as percentages. */
  readonly format?: '%';
  /** Distance between two ticks, if the values are whole numbers; the axis then starts at the first of them. */
  readonly step?: number;
  /** Spaced by ratios; the initial scale of y is the chart's. */
  readonly log?: boolean;
  /** Values that have ticks, in place of those that fit. */
  readonly ticks?: readonly number[];
  /** Whether the axis begins at 0 whatever the values. */
  readonly fromZero?: boolean;
  /** What stands at 1, 2, … in place of the numbers. */
  readonly names?: readonly string[];
}

/** Of an axis of shares, with room for the markers at its ends. */
export const SHARES = [-0.03, 1.03] as const;

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}
