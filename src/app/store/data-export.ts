import type { DataReport, DataRow, WrittenRow } from '../../contract/data';

/** How the rows were read. */
export type RowsForm = Pick<DataReport, 'format' | 'rule'>;

/**
 * Rows as JSON lines that read back as the same rows, of the same form and under the same answer rule: GSM8K’s as in its
 * files, others with their parts and with what they were read as.
 */
export const rowsToJsonl = (rows: readonly DataRow[], form: RowsForm): string =>
  rows
    .map((row) => `${JSON.stringify(form.format === 'gsm8k' ? gsm8kRow(row) : writtenRow(row, form))}\n`)
    .join('');

/** The solution as in the file, unless calculator annotations were removed from it. */
function gsm8kRow({ id, question, rationale, answer, reference }: DataRow): object {
  const isWhole = reference.slice(0, reference.indexOf('####')).trim() === rationale;
  return { id, question, answer: isWhole ? reference : `${rationale}\n#### ${answer}` };
}

const writtenRow = (
  { id, question, rationale, steps, answer, reference }: DataRow,
  { format, rule }: RowsForm,
): WrittenRow => ({
  ...{ id, question, rationale, steps, answer, reference },
  ...{ read_as: format, answer_rule: rule },
});
