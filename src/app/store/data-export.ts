import type { DataRow } from '../../contract/data';

/**
 * Rows as JSON lines, in a format that reads back as the same rows: GSM8K’s as in its files, a list of steps
 * as in Coconut’s, otherwise question, cot and answer.
 */
export const rowsToJsonl = (rows: readonly DataRow[]): string =>
  rows.map((row) => `${JSON.stringify(fieldsOf(row))}\n`).join('');

function fieldsOf({ id, question, rationale, steps, answer, reference }: DataRow): object {
  if (reference !== answer) return { id, question, answer: reference };
  if (rationale === steps.join(' ')) return { id, question, steps, answer };
  return { id, question, cot: rationale, answer };
}
