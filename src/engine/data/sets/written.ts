import { RULE_IDS, type RuleId } from '../../../contract/answer-rules';
import { DATA_FORMATS, type DataFormat, type WrittenRow } from '../../../contract/data';
import { Malformed, optional, type RowContent, text, texts } from './fields';
import type { Fields } from './raw';

/** Rows that the page has written to a file, see `WrittenRow`. */

const isOneOf = <T extends string>(known: readonly T[], value: unknown): value is T =>
  (known as readonly unknown[]).includes(value);

/** The form and the rule that a record names; null if it was not written by the page. */
export function writtenAs(fields: Fields): { readonly format: DataFormat; readonly rule: RuleId } | null {
  const { read_as: format, answer_rule: rule } = fields as Partial<Record<keyof WrittenRow, unknown>>;
  return isOneOf(DATA_FORMATS, format) && isOneOf(RULE_IDS, rule) ? { format, rule } : null;
}

/** @throws Malformed */
export function writtenRow(fields: Fields): RowContent {
  const answer = text(fields, 'answer');
  if (Array.isArray(fields.rationale)) throw new Malformed('rationale is a list; a text is expected');
  return {
    question: text(fields, 'question'),
    rationale: optional(fields, 'rationale'),
    steps: texts(fields, 'steps'),
    answer,
    reference: optional(fields, 'reference') || answer,
  };
}

/** The form that more than half of the records name, and how many do. */
export function writtenFormat(
  records: readonly Fields[],
): { readonly format: DataFormat; readonly fitting: number } | null {
  const named = records.map((fields) => writtenAs(fields)?.format);
  for (const format of new Set(named)) {
    const fitting = named.filter((one) => one === format).length;
    if (format !== undefined && fitting * 2 > records.length) return { format, fitting };
  }
  return null;
}
