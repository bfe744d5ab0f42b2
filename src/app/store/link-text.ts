import { shorten } from '../../text/quote';

/** A value of a link, as messages about it show it. */
export const quoted = (text: string): string => `"${shorten(text, 60)}"`;

/** What a key of a link may have. */
export interface LinkEntry {
  /** The values that it accepts, in words. */
  readonly may: string;
  accepts(text: string): boolean;
}

export const among = (names: readonly string[]): LinkEntry => ({
  may: names.join(', '),
  accepts: (text) => names.includes(text),
});

/** A whole number, both ends included. */
export const wholeNumber = ([low, high]: readonly [low: number, high: number]): LinkEntry => ({
  may: `a whole number from ${low} to ${high}`,
  accepts: (text) => /^\d{1,10}$/.test(text) && Number(text) >= low && Number(text) <= high,
});

/** The usable values of a link by key, and what is wrong with the others. */
export function readEntries(
  values: URLSearchParams,
  entries: Readonly<Record<string, LinkEntry>>,
): { readonly found: Record<string, string>; readonly problems: string[] } {
  const found: Record<string, string> = {};
  const problems: string[] = [];
  for (const [key, { may, accepts }] of Object.entries(entries)) {
    const text = values.get(key);
    if (text === null) continue;
    if (accepts(text)) found[key] = text;
    else problems.push(`unknown ${key} ${quoted(text)}: expected ${may}`);
  }
  return { found, problems };
}
