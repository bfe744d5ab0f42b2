import type { DataRow } from '../../contract/data';

/**
 * Rows as JSON lines, in a form that is read again as what it is: GSM8K’s as it stands in the file, a list of steps as
 * Coconut has it, otherwise question, cot and answer.
 */
export const rowsToJsonl = (rows: readonly DataRow[]): string =>
  rows.map((row) => `${JSON.stringify(fieldsOf(row))}\n`).join('');

function fieldsOf({ id, question, rationale, steps, answer, reference }: DataRow): object {
  if (reference !== answer) return { id, question, answer: reference };
  if (rationale === steps.join(' ')) return { id, question, steps, answer };
  return { id, question, cot: rationale, answer };
}
