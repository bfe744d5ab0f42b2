import type { Tokenizer } from '../tokenizer/tokenizer';

/**
 * The text of generated ids. A model's vocabulary may be padded beyond the tokenizer's; such ids, which only an untrained
 * model generates, are left out.
 */
export const textOf = (tokenizer: Tokenizer, ids: readonly number[]): string =>
  tokenizer.decode(ids.filter((id) => id < tokenizer.vocabSize));

/** Any number: optional minus, digits, optional dot, optional digits. */
const NUMBER = /-?\d+\.?\d*/g;

/** The last number in a text, commas removed, as CODI's evaluation takes it; undefined if there is none. */
export function lastNumber(text: string): number | undefined {
  const found = text.replaceAll(',', '').match(NUMBER);
  return found ? Number.parseFloat(found[found.length - 1] as string) : undefined;
}

/** Exact equality of the last number of `text` with the reference answer. */
export function isCorrect(text: string, answer: string): boolean {
  const value = lastNumber(text);
  return value !== undefined && value === lastNumber(answer);
}
