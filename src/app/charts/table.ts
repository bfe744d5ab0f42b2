export interface Axis {
  readonly label: string;
  /** What the values are in the table and in files; default the label. */
  readonly column?: string;
  readonly range?: readonly [number, number];
  /** `%` writes shares as percentages. */
  readonly format?: '%';
  /** Between two ticks, where the values are whole numbers; the axis then begins with the first of them. */
  readonly step?: number;
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}
