import type * as Papa from 'papaparse';
import { quote } from '../../../text/quote';
import { FileError, LoadError } from '../../base/errors';
import { hasBadBytes, shownText } from './decode';
import { BAD_BYTES, newlines, type RawRecord, type Read } from './raw';

/** Tab, comma or semicolon: whichever the header has most of, outside quotes. */
export function delimiterOf(text: string): string {
  const header = text.slice(0, (text.indexOf('\n') + 1 || text.length + 1) - 1).replaceAll(/"[^"]*"/g, '');
  const counts = ['\t', ',', ';'].map((sign) => [sign, header.split(sign).length - 1] as const);
  const most = Math.max(1, ...counts.map(([, n]) => n));
  return counts.find(([, n]) => n === most)?.[0] ?? ',';
}

/** The library that reads CSV. It is loaded with the first such file: most sets are JSON. @throws LoadError */
async function loadPapa(): Promise<typeof Papa> {
  try {
    return (await import('papaparse')).default;
  } catch (cause) {
    throw new LoadError(
      'the reader of CSV and TSV could not be fetched',
      'Try again once the connection is back, or save the rows as JSON lines.',
      { cause },
    );
  }
}

/** Rows read at a time; between two lots the caller may stop. */
const LOT = 512;

/**
 * Rows of CSV or TSV with a header, quoted as RFC 4180 has it.
 * @throws LoadError; while they are read, FileError for a header with an empty or a repeated name
 */
export async function delimitedRecords(text: string): Promise<Iterable<RawRecord>> {
  return rowsOf(text, await loadPapa());
}

function* rowsOf(raw: string, { parse }: typeof Papa): Iterable<RawRecord> {
  // One kind of line end: files that were put together from others have several.
  const text = raw.includes('\n') ? raw.replaceAll('\r\n', '\n') : raw.replaceAll('\r', '\n');
  const delimiter = delimiterOf(text);
  let names: readonly string[] | undefined;
  let line = 1;
  for (let at = 0; at < text.length; ) {
    const lot: {
      readonly cells: readonly string[];
      readonly from: number;
      readonly to: number;
      readonly problem?: string;
    }[] = [];
    const offset = at;
    parse<string[]>(at === 0 ? text : text.slice(at), {
      delimiter,
      newline: '\n',
      // Its fast mode splits the whole text at once, in every lot.
      fastMode: false,
      step: ({ data, errors, meta }, parser) => {
        const to = offset + meta.cursor;
        lot.push({ cells: data, from: at, to, ...(errors[0] && { problem: errors[0].message }) });
        at = to;
        if (lot.length >= LOT) parser.abort();
      },
    });
    if (lot.length === 0 || at === offset) return;
    for (const { cells, from, to, problem } of lot) {
      const begins = line;
      line += newlines(text, from, to);
      const empty = cells.every((cell) => cell.trim() === '');
      if (names === undefined) {
        if (!empty) names = headerOf(cells);
        continue;
      }
      if (!empty) yield { line: begins, end: to, ...read(names, cells, problem) };
    }
  }
}

function headerOf(cells: readonly string[]): readonly string[] {
  const names = cells.map((cell) => shownText(cell).trim());
  const wrong = names.findIndex((name, i) => name === '' || names.indexOf(name) < i);
  if (wrong >= 0)
    throw new FileError(
      `column ${wrong + 1} of the header is ${names[wrong] === '' ? 'empty' : `${quote(names[wrong])}, as an earlier one is`}`,
      'The first line must name every column, each by a name of its own.',
    );
  return names;
}

function read(names: readonly string[], cells: readonly string[], problem: string | undefined): Read {
  if (problem !== undefined) return { reason: problem.toLowerCase() };
  if (cells.length !== names.length)
    return {
      reason: `${cells.length} ${cells.length === 1 ? 'cell' : 'cells'}; the header names ${names.length} columns`,
    };
  if (cells.some(hasBadBytes)) return { reason: BAD_BYTES };
  return { fields: Object.fromEntries(names.map((name, i) => [name, cells[i] as string])) };
}
