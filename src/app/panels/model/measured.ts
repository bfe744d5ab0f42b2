import type { ModelReport } from '../../../contract/events';

type Measured = ModelReport['measured'];

export interface MeasuredTable {
  /** What all columns measure, `accuracy`; empty where they differ. */
  readonly measure: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

const ALL = 'all';
/** `accuracy, no chain of thought, 2 steps`: a figure of the problems of so many steps. */
const BY_STEPS = /^(.+), (\d+ steps?)$/;

/**
 * Figures by the number of steps of the problems: a row each, and a column for what was measured. Null where no figure is of
 * problems of so many steps, so that a table would have one row.
 */
export function measuredTable(measured: Measured): MeasuredTable | null {
  const cells = measured.map(({ what, value }) => {
    const [, of = what, steps = ALL] = BY_STEPS.exec(what) ?? [];
    return { of, steps, value };
  });
  const distinct = (names: readonly string[]) => [...new Set(names)];
  const [kinds, steps] = [distinct(cells.map(({ of }) => of)), distinct(cells.map((cell) => cell.steps))];
  if (steps.length < 2) return null;
  const at = (row: string, column: string) =>
    cells.find((cell) => cell.steps === row && cell.of === column)?.value ?? null;
  const measures = distinct(kinds.map((kind) => kind.slice(0, Math.max(0, kind.indexOf(', ')))));
  const measure = measures.length === 1 ? (measures[0] as string) : '';
  const skipped = measure === '' ? 0 : measure.length + ', '.length;
  return {
    measure,
    columns: ['Problems of', ...kinds.map((kind) => kind.slice(skipped))],
    rows: steps.map((row) => [row, ...kinds.map((kind) => at(row, kind))]),
  };
}
