import { type CsvRows, csv as plain } from '../../text/csv';
import { percent } from '../../text/figures';

export { percent, pValue, signedPercent, significant } from '../../text/figures';

/** Numbers and durations as the page writes them: thin, aligned, the unit always there. */

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export const integer = (value: number) => grouped.format(value);

/**
 * Rows, the first of which names the columns, as a file for programs and people's spreadsheets: one that is not ASCII begins with a
 * byte order mark, without which those of Windows take it for another encoding.
 * @param guarded see `text/csv`
 */
export function csv(rows: CsvRows, guarded = false): string {
  const text = plain(rows, guarded);
  return /^[\t\n\r -~]*$/.test(text) ? text : `\ufeff${text}`;
}

/** A probability; a small one is not nothing. */
export const probability = (share: number) => (share > 0 && share < 5e-4 ? '< 0.1 %' : percent(share));

/** A share as a length of CSS. */
export const length = (share: number) => `${(100 * share).toFixed(2)}%`;

export function bytes(count: number): string {
  if (count < 1e3) return `${count} B`;
  if (count < 1e6) return `${(count / 1e3).toFixed(1)} kB`;
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e9).toFixed(2)} GB`;
}

export function parameters(count: number): string {
  if (count < 1e3) return `${count}`;
  if (count < 1e6) return `${(count / 1e3).toFixed(1)} k`;
  return count < 1e9 ? `${(count / 1e6).toFixed(2)} M` : `${(count / 1e9).toFixed(2)} B`;
}

export function duration(milliseconds: number): string {
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 100) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes} min ${whole % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Milliseconds left, from what was done in `elapsed`; `null` until it can be said. */
export function remaining(done: number, total: number, elapsed: number): number | null {
  if (total <= 0 || done <= 0 || done >= total || elapsed < 500) return null;
  return (elapsed / done) * (total - done);
}

/** An estimate of time left, which is not known to milliseconds. */
export const timeLeft = (milliseconds: number): string =>
  milliseconds < 1000 ? 'less than 1 s left' : `about ${duration(milliseconds)} left`;

/** A token as it can be seen: spaces and line breaks have a sign. */
export function visibleToken(text: string): string {
  if (text === '') return '(empty)';
  return text.replace(/ /g, '␣').replace(/\n/g, '⏎').replace(/\t/g, '⇥');
}
