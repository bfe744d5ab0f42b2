/** Tokens from the first to the last, counted from 1; to the end of each sample if there is no last. */
export interface TokenSpan {
  readonly first: number;
  readonly last: number | null;
}

/** A span as typed: `all`, `3-10`, `3-` or `3`. `null` means all. */
export function readSpan(
  text: string,
):
  | { readonly span: TokenSpan | null; readonly error: null }
  | { readonly span: null; readonly error: string } {
  const wrong = (error: string) => ({ span: null, error });
  const trimmed = text.trim().toLowerCase();
  if (trimmed === 'all' || trimmed === '') return { span: null, error: null };
  const found = /^(\d{1,9})\s*(?:([-–])\s*(\d{1,9})?)?$/.exec(trimmed);
  if (!found) return wrong('Write “all”, or tokens counted from 1: “3-10”, “3-” or “3”.');
  const first = Number(found[1]);
  const last = found[2] === undefined ? first : found[3] === undefined ? null : Number(found[3]);
  if (first < 1) return wrong('Tokens are counted from 1.');
  if (last !== null && last < first)
    return wrong(`The last token, ${last}, comes before the first, ${first}.`);
  return { span: { first, last }, error: null };
}

/** A span in words: `tokens 3 to 10`, `tokens from 3 on`, `token 3`; `null` is all, of which nothing is said. */
export function spanWords(span: TokenSpan | null | undefined): string | null {
  if (!span) return null;
  const { first, last } = span;
  if (last === null) return `tokens from ${first} on`;
  return first === last ? `token ${first}` : `tokens ${first} to ${last}`;
}
