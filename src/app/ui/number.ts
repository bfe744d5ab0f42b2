/**
 * Numbers as people type them. A decimal comma and thousands separators are understood where they can mean only one thing;
 * what could mean two is refused, since a count of 1,000 that is read as 1 goes unnoticed.
 */
export type Reading =
  | { readonly value: number; readonly problem: null }
  | { readonly value: typeof Number.NaN; readonly problem: string };

const is = (value: number): Reading => ({ value, problem: null });
const refused = (problem: string): Reading => ({ value: Number.NaN, problem });

/** `12`, `-0.5`, `.5`, `1e-3` */
const PLAIN = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
/** A decimal comma. */
const COMMA = /^[+-]?\d*,\d+(e[+-]?\d+)?$/i;
/** Three digits after a separator, as in a thousands group: `1,000` and `12.500`, not `0,001`. */
const ONE_GROUP = /^[+-]?[1-9]\d{0,2}[.,]\d{3}$/;
/** Groups that no decimal number could be: two separators of a kind, or one of each. */
const ENGLISH = /^[+-]?\d{1,3}(?:(?:,\d{3}){2,}(?:\.\d+)?|,\d{3}\.\d+)$/;
const CONTINENTAL = /^[+-]?\d{1,3}(?:(?:\.\d{3}){2,}(?:,\d+)?|\.\d{3},\d+)$/;
/** Groups separated by spaces of any width, apostrophes or underscores. */
const SPACED = /^[+-]?\d{1,3}(?:[\s'’_]\d{3})+(?:[.,]\d+)?$/u;

/**
 * The text of a number field whose value may have been changed elsewhere, by a preset or by Undo: what was typed while it says the same,
 * otherwise the value. What was no number has left no text: the field is empty, and says that a number is expected.
 */
export function fieldText(typed: string, value: number, whole: boolean): string {
  if (Object.is(readNumber(typed, whole).value, value)) return typed;
  return Number.isNaN(value) ? '' : String(value);
}

/** @param whole whether a whole number is expected: a decimal point before three digits is then taken for a separator */
export function readNumber(text: string, whole = false): Reading {
  const typed = text.trim();
  if (typed === '') return refused('A number is expected; the field is empty.');
  if (ONE_GROUP.test(typed) && (whole || typed.includes(','))) {
    const grouped = typed.replace(/[.,]/, '');
    const decimal = typed.replace(',', '.');
    return refused(`“${typed}” could mean ${grouped} or ${Number(decimal)}: type one of these.`);
  }
  if (PLAIN.test(typed)) return is(Number(typed));
  if (COMMA.test(typed)) return is(Number(typed.replace(',', '.')));
  if (ENGLISH.test(typed)) return is(Number(typed.replaceAll(',', '')));
  if (CONTINENTAL.test(typed)) return is(Number(typed.replaceAll('.', '').replace(',', '.')));
  if (SPACED.test(typed)) return is(Number(typed.replace(/[\s'’_]/gu, '').replace(',', '.')));
  const shown = typed.length > 40 ? `${typed.slice(0, 39)}…` : typed;
  return refused(
    `“${shown}” is not a number: digits with a decimal point, such as 0.5 or 1e-3, are expected.`,
  );
}
