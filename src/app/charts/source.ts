import type { Table } from './table';

/**
 * The table with its source in a last column, in the first row: any reader of CSV takes the file as it is, which lines
 * of comment would not allow.
 */
export function withSource({ columns, rows }: Table, source: string): Table {
  if (source === '') return { columns, rows };
  return { columns: [...columns, 'source'], rows: rows.map((row, i) => [...row, i === 0 ? source : null]) };
}
