import { readJsonDigits } from '../../../text/json';
import { quote, shorten } from '../../../text/quote';
import { FileError } from '../../base/errors';
import { hasBadBytes, shownText } from './decode';
import { delimitedRecords, delimiterOf, type OnUnnamed } from './delimited';
import { BAD_BYTES, type Fields, ICOT, LINE, newlines, type RawRecord, type Read } from './raw';

export type Layout = 'JSON lines' | 'a JSON list' | 'one JSON object' | 'CSV' | 'TSV' | 'text lines';

/**
 * How rows are written, by content.
 * @throws FileError for an empty file, and for one JSON object where a list of them is expected
 */
export function layoutOf(text: string, name: string): Layout {
  const head = text.slice(0, 262_144);
  const lines = head.split('\n').filter((line) => line.trim() !== '');
  const first = lines[0]?.trim();
  if (first === undefined) throw new FileError(`${name} is empty`, 'Choose a file that has rows.');
  if (first.startsWith('[')) return 'a JSON list';
  if (first.startsWith('{')) {
    if (!lines.slice(0, 50).some((line) => Object.keys(object(line.trim()).fields ?? {}).length > 0)) {
      if (object(text.trim()).fields) return 'one JSON object';
      throw new FileError(
        `${name} is neither JSON lines nor a list: none of its first lines is a JSON object of its own`,
        'Save it as a list […], or write one row per line.',
      );
    }
    return 'JSON lines';
  }
  const sample = lines.slice(0, 50);
  const fitting = sample.filter((line) => ICOT.test(line.trim())).length;
  if (fitting * 2 >= sample.length) return 'text lines';
  return delimiterOf(head) === '\t' ? 'TSV' : 'CSV';
}

/** The rows of a text in order. Malformed ones are among them. @throws LoadError */
export async function recordsOf(
  text: string,
  layout: Layout,
  onUnnamed: OnUnnamed,
): Promise<Iterable<RawRecord>> {
  if (layout === 'a JSON list') return listRecords(text);
  if (layout === 'one JSON object') return [{ line: 1, end: text.length, ...checked(text.trim(), object) }];
  if (layout === 'JSON lines') return lineRecords(text, (line) => object(line));
  if (layout === 'text lines') return lineRecords(text, (line) => ({ fields: { [LINE]: line } }));
  return delimitedRecords(text, onUnnamed);
}

function* lineRecords(text: string, read: (line: string) => Read): Iterable<RawRecord> {
  let line = 0;
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const row = text.slice(at, end).trim();
    line++;
    at = end + 1;
    if (row !== '') yield { line, end: Math.min(at, text.length), ...checked(row, read) };
  }
}

const checked = (row: string, read: (row: string) => Read): Read =>
  hasBadBytes(row) ? { reason: BAD_BYTES } : read(row);

function object(row: string): Read {
  let value: unknown;
  try {
    value = readJsonDigits(row);
  } catch (error) {
    return { reason: shorten((error as Error).message, 200) };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { reason: `${quote(value)} stands where an object {…} is expected` };
  return { fields: value as Fields };
}

const SPACE = /\s/;

/** The items of a JSON list, each read by itself: a bad one leaves the others as they are. */
function* listRecords(text: string): Iterable<RawRecord> {
  let at = text.indexOf('[') + 1;
  let line = 1 + newlines(text, 0, at);
  for (;;) {
    const from = at;
    while (at < text.length && (SPACE.test(text[at] as string) || text[at] === ',')) at++;
    line += newlines(text, from, at);
    if (text[at] === ']') {
      const rest = text.slice(at + 1).trim();
      if (rest !== '')
        yield {
          line,
          end: text.length,
          reason: `${quote(shorten(shownText(rest), 40))} follows the end of the list`,
        };
      return;
    }
    if (at >= text.length) {
      yield { line, end: text.length, reason: 'the file ends before the list does: it is cut off' };
      return;
    }
    const end = endOfItem(text, at);
    if (end === null) {
      yield {
        line,
        end: text.length,
        reason: 'the file ends inside this row: it is cut off, or a quote or bracket is not closed',
      };
      return;
    }
    yield { line, end, ...checked(text.slice(at, end), object) };
    line += newlines(text, at, end);
    at = end;
  }
}

/** One past the item of a list that begins at `start`, or null if the text ends first. */
function endOfItem(text: string, start: number): number | null {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const c = text[at];
    if (c === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++;
    } else if (c === '{' || c === '[') depth++;
    else if (c === '}' || c === ']') {
      // A bracket that closes nothing is an item by itself, or the list would never end.
      if (depth === 0) return Math.max(at, start + 1);
      depth--;
      if (depth === 0) return at + 1;
    } else if (c === ',' && depth === 0) return at;
  }
  return null;
}
