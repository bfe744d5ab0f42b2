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
 * Characters that are read a second time, in all: after a quote that is not closed, rows are sought from the next line on. A file
 * with such a quote in every line would be read as often as it has lines.
 */
const READ_AGAIN = 2 ** 24;

/** Told the names given to columns that have none in the header. */
export type OnUnnamed = (names: readonly string[]) => void;

/**
 * Rows of CSV or TSV with a header, quoted as RFC 4180 has it.
 * @throws LoadError; while they are read, FileError for a header with a repeated name or an open quote
 */
export async function delimitedRecords(text: string, onUnnamed: OnUnnamed): Promise<Iterable<RawRecord>> {
  return rowsOf(text, await loadPapa(), onUnnamed);
}

interface Row {
  readonly cells: readonly string[];
  readonly from: number;
  readonly to: number;
  readonly problem?: string;
}

function* rowsOf(raw: string, { parse }: typeof Papa, onUnnamed: OnUnnamed): Iterable<RawRecord> {
  // One kind of line end: files that were put together from others have several.
  const text = raw.includes('\n') ? raw.replaceAll('\r\n', '\n') : raw.replaceAll('\r', '\n');
  const delimiter = delimiterOf(text);
  let header: Header | undefined;
  let line = 1;
  let left = READ_AGAIN;
  for (let at = 0; at < text.length; ) {
    const lot: Row[] = [];
    const offset = at;
    parse<string[]>(at === 0 ? text : text.slice(at), {
      delimiter,
      newline: '\n',
      // Its fast mode splits the whole text at once, in every lot.
      fastMode: false,
      step: ({ data, errors, meta }, parser) => {
        const from = at;
        at = offset + meta.cursor;
        const problem = errors[0]?.message;
        const next = lineAfter(text, from);
        // A quote that is not closed, or closed in the middle of a cell, has taken later lines with it.
        if (problem !== undefined) left -= at - next;
        const isAgain = problem !== undefined && next < at && left >= 0;
        if (isAgain) at = next;
        lot.push({ cells: data, from, to: at, ...(problem !== undefined && { problem }) });
        if (isAgain || lot.length >= LOT) parser.abort();
      },
    });
    if (lot.length === 0 || at === offset) return;
    for (const row of lot) {
      const begins = line;
      const last = begins + newlines(text, row.from, row.to - 1);
      line += newlines(text, row.from, row.to);
      const isEmpty = row.cells.every((cell) => cell.trim() === '');
      if (header === undefined) {
        if (!isEmpty) header = headerOf(row, onUnnamed);
        continue;
      }
      if (isEmpty) continue;
      const found = read(header, row);
      // A row of several lines that is refused: which lines are not read is said.
      yield last > begins && found.reason !== undefined
        ? { line: begins, end: row.to, reason: `${found.reason} (lines ${begins} to ${last})` }
        : { line: begins, end: row.to, ...found };
    }
  }
}

const lineAfter = (text: string, at: number): number => text.indexOf('\n', at) + 1 || text.length;

interface Header {
  /** Of all columns, given ones included. */
  readonly names: readonly string[];
  readonly unnamed: ReadonlySet<string>;
  /** Cells up to the last column that the header names: a row needs no more. */
  readonly least: number;
}

function headerOf({ cells, problem }: Row, onUnnamed: OnUnnamed): Header {
  const own = cells.map((cell) => shownText(cell).trim());
  if (problem !== undefined)
    throw new FileError(
      `the header has a quote that is not closed, or that is closed inside a name (${quote(own[0])})`,
      'Write each name without quotes, or between two of them.',
    );
  const again = own.findIndex((name, i) => name !== '' && own.indexOf(name) < i);
  if (again >= 0)
    throw new FileError(
      `column ${again + 1} of the header is ${quote(own[again])}, as an earlier one is`,
      'The first line must name every column, each by a name of its own.',
    );
  const names = own.map((name, i) => name || freeName(`column ${i + 1}`, own));
  const unnamed = names.filter((name) => !own.includes(name));
  if (unnamed.length > 0) onUnnamed(unnamed);
  return { names, unnamed: new Set(unnamed), least: own.findLastIndex((name) => name !== '') + 1 };
}

const freeName = (name: string, taken: readonly string[]): string =>
  taken.includes(name) ? freeName(`${name} (unnamed)`, taken) : name;

function read({ names, unnamed, least }: Header, { cells, problem }: Row): Read {
  if (problem !== undefined) return { reason: problem.toLowerCase() };
  if (cells.length > names.length || cells.length < least)
    return {
      reason: `${cells.length} ${cells.length === 1 ? 'cell' : 'cells'}; the header ${unnamed.size > 0 ? 'has' : 'names'} ${names.length} columns`,
    };
  if (cells.some(hasBadBytes)) return { reason: BAD_BYTES };
  const entries = names.map((name, i): [string, string] => [name, cells[i] ?? '']);
  // Of a column without a name only cells with text: one that is empty throughout is none.
  return {
    fields: Object.fromEntries(entries.filter(([name, cell]) => !unnamed.has(name) || cell.trim() !== '')),
  };
}
