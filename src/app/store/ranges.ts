import { NO_LIMIT, type Range } from '../../contract/data';

/** Digits of a number in a range as typed, and the numbers that they can be. */
const DIGITS = 7;
export const RANGE_ENDS = [0, 10 ** DIGITS - 1] as const;
const TYPED = new RegExp(`^(\\d{1,${DIGITS}})?(-)?(\\d{1,${DIGITS}})?$`);

/** A range as typed: `3-8`, `3-` (3 or more), `-8` (up to 8), `5` (exactly), empty or “all” for no limit. */
export function readRange(
  text: string,
): { readonly range: Range; readonly error: null } | { readonly range: null; readonly error: string } {
  const typed = text.trim().replaceAll(/\s*[-–]\s*/g, '-');
  if (typed === '' || typed === 'all') return { range: NO_LIMIT, error: null };
  const [, low, dash, high] = TYPED.exec(typed) ?? [];
  if (low === undefined && high === undefined)
    return { range: null, error: 'Type a range such as 3-8, 3- or -8; leave empty for no limit.' };
  if (dash === undefined) return { range: [Number(low), Number(low)], error: null };
  const range: Range = [low === undefined ? null : Number(low), high === undefined ? null : Number(high)];
  if (range[0] !== null && range[1] !== null && range[0] > range[1])
    return { range: null, error: `${range[0]} is more than ${range[1]}: type the smaller one first.` };
  return { range, error: null };
}

/** The text that stands for a range. */
export const writeRange = ([low, high]: Range): string =>
  low === null && high === null ? '' : low === high ? `${low}` : `${low ?? ''}-${high ?? ''}`;

/** In words; `null` if there is no limit. @param what in the plural, such as `steps` */
export function rangeWords([low, high]: Range, what: string): string | null {
  if (low === null && high === null) return null;
  if (low === null) return `at most ${counted(high as number, what)}`;
  if (low === high) return counted(low, what);
  return high === null ? `at least ${counted(low, what)}` : `${low} to ${high} ${what}`;
}

const counted = (count: number, what: string): string =>
  `${count} ${count === 1 ? what.replace(/s$/, '') : what}`;
