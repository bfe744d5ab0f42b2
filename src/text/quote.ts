/** How values from outside appear in messages: quoted, shallow and short, whatever was sent. */

/** Characters of a quoted value. */
const MAX_QUOTED = 96;
/** Items of a list that are quoted. */
const MAX_ITEMS = 16;

/** Characters of an error's message, and of its hint, once it leaves the place where it was made. */
export const MAX_MESSAGE = 2000;

/** `text`, cut to `max` characters, the last of which is then …; never between the halves of a surrogate pair. */
export function shorten(text: string, max: number): string {
  if (text.length <= max) return text;
  const cut = text.slice(0, max - 1);
  return `${/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}

/**
 * `value` for an error message. Text is quoted and lists are shown one level deep: JSON.stringify of a hostile value
 * overflows the stack, or returns megabytes.
 */
export function quote(value: unknown): string {
  if (!Array.isArray(value)) return shorten(quoteOne(value), MAX_QUOTED);
  const items = value.slice(0, MAX_ITEMS).map(quoteOne);
  if (value.length > MAX_ITEMS) items.push('…');
  return shorten(`[${items.join(', ')}]`, MAX_QUOTED);
}

function quoteOne(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shorten(value, MAX_QUOTED));
  if (Array.isArray(value)) return 'a list';
  if (value === undefined) return 'missing';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** `a, b, c and 40 more`. */
export function listed(items: readonly string[], max = 8): string {
  const more = items.length - max;
  return more > 0 ? `${items.slice(0, max).join(', ')} and ${more} more` : items.join(', ');
}
