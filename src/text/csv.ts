export type CsvRows = readonly (readonly (string | number | null)[])[];

/** Whether a spreadsheet would compute a text, or ask to: `=19>>`, `+7`, `@`. A negative number is not such a text. */
const isFormula = (value: string): boolean => /^[=+\-@\t\r]/.test(value) && !/^-\d+(\.\d+)?$/.test(value);

/** The first text that a spreadsheet would take for a formula; `null` if there is none. */
export function formulaIn(rows: CsvRows): string | null {
  for (const row of rows)
    for (const cell of row) if (typeof cell === 'string' && isFormula(cell)) return cell;
  return null;
}

function cellOf(value: string | number | null, guarded: boolean): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = guarded && isFormula(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Rows, the first of which names the columns, as RFC 4180 quotes them: texts come back as they are.
 * @param guarded an apostrophe before each text that a spreadsheet would compute, which changes it
 */
export const csv = (rows: CsvRows, guarded = false): string =>
  `${rows.map((row) => row.map((cell) => cellOf(cell, guarded)).join(',')).join('\n')}\n`;
