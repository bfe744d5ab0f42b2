import type { Table } from './table';

/**
 * The table with its source in the first row of a last column, so that any CSV reader can read the file, unlike with
 * comment lines.
 */
export function withSource({ columns, rows }: Table, source: string): Table {
  if (source === '') return { columns, rows };
  return { columns: [...columns, 'source'], rows: rows.map((row, i) => [...row, i === 0 ? source : null]) };
}
