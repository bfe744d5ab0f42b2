/** Any number: optional minus, digits, optional dot, optional digits. */
const NUMBER = /-?\d+\.?\d*/g;

/** The last number of a text, commas removed, as CODI's evaluation takes it; undefined where there is none. */
export function lastNumber(text: string): number | undefined {
  const found = text.replaceAll(',', '').match(NUMBER);
  return found ? Number.parseFloat(found[found.length - 1] as string) : undefined;
}

/** Exact equality of the last number of `text` with the reference answer. */
export function isCorrect(text: string, answer: string): boolean {
  const value = lastNumber(text);
  return value !== undefined && value === lastNumber(answer);
}
