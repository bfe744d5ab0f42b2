import type { RuleId } from '../../../contract/answer-rules';
import {
  type DataFormat,
  type DataReading,
  FORMAT_TEXTS,
  MAX_DATA_BYTES,
  type MalformedRow,
} from '../../../contract/data';
import { listed } from '../../../text/quote';
import { FileError, InputError, MemoryError, throwIfCancelled } from '../../base/errors';
import { Sha256 } from '../../base/sha256';
import { yieldToEventLoop } from '../../base/yield-to-event-loop';
import { DataSet, type LoadedRow } from './data-set';
import { decodeText } from './decode';
import { has, Malformed } from './fields';
import { detectFormat, FORMATS, unreadTexts, usualMapping } from './formats';
import { type Fields, LINE, type RawRecord } from './raw';
import { layoutOf, recordsOf } from './records';
import { ruleOf } from './set-rule';
import { unwrapped } from './unwrap';
import { writtenAs, writtenRow } from './written';

export interface DataFile {
  readonly name: string;
  readonly data: Blob;
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /**
   * Called with every row that is left out, as it is found, malformed or a duplicate: reports list only the first, so that a file of
   * millions of them takes no memory for them.
   */
  readonly onLeftOut?: ((row: MalformedRow) => void) | undefined;
}

/** Malformed rows that are listed; all are counted. */
const MAX_LISTED = 200;
/** Records that the detection looks at. */
const LOOKED_AT = 50;
/** Rows between two looks at the signal. */
const LOT = 1000;

const WHAT = 'reading the data set';

/**
 * Files → rows. Malformed rows are listed, the others load. The format is detected by content, unless `reading` names one.
 * Several files are read one after another in the same form, such as the shards of one set.
 * @throws FileError for files that hold no rows of text, or whose forms differ, MemoryError beyond `MAX_DATA_BYTES`,
 *   InputError for a format or mapping that these files cannot have, LoadError, CancelledError
 */
export async function readData(
  files: readonly DataFile[],
  reading: DataReading,
  { signal, onProgress, onLeftOut }: ReadOptions = {},
): Promise<DataSet> {
  if (files.length === 0) throw new InputError('no files are given', 'Choose at least one.');
  const bytes = files.reduce((sum, { data }) => sum + data.size, 0);
  if (bytes > MAX_DATA_BYTES)
    throw new MemoryError(
      `${bytes} bytes; at most ${MAX_DATA_BYTES} are read`,
      'Choose a part of the data set: for looking at hidden states a few thousand rows are plenty.',
    );
  const sha = new Sha256();
  const decoded: Decoded[] = [];
  let layout: ReturnType<typeof layoutOf> | undefined;
  let before = 0;
  for (const { name, data } of files) {
    throwIfCancelled(signal, WHAT);
    const content = new Uint8Array(await data.arrayBuffer());
    sha.update(content);
    const { text, encoding } = decodeText(content, name);
    const own = layoutOf(text, name);
    if (layout !== undefined && own !== layout)
      throw new FileError(
        `${name} is written as ${own}, ${files[0]?.name} as ${layout}`,
        'Choose files of one form, or one at a time.',
      );
    layout = own;
    const records: RawRecord[] = [];
    let unnamed: readonly string[] = [];
    for (const record of await recordsOf(text, own, (names) => {
      unnamed = names;
    })) {
      records.push(record);
      if (records.length % LOT !== 0) continue;
      // Rows are read in the first half of the time, and understood in the second.
      onProgress?.(before + (record.end / text.length) * data.size * 0.5, bytes);
      await yieldToEventLoop();
      throwIfCancelled(signal, WHAT);
    }
    const inner = unwrapped(records, name);
    decoded.push({
      ...{ name, encoding, unnamed },
      records: inner?.records ?? records,
      inside: inner?.field ?? undefined,
    });
    before += data.size * 0.5;
  }
  const sample = decoded.flatMap(({ records }) => firstFields(records));
  const used = usedReading(sample, reading);
  const rows: LoadedRow[] = [];
  /** Answer rules that rows name, with how many do. */
  const named = new Map<RuleId, number>();
  const malformed: MalformedRow[] = [];
  let bad = 0;
  let read = 0;
  const total = decoded.reduce((sum, { records }) => sum + records.length, 0);
  for (const [f, { name, records }] of decoded.entries()) {
    for (const [i, record] of records.entries()) {
      const id = `${f === 0 ? '' : `${f + 1}:`}row-${i + 1}`;
      // Without a mapping nothing can be said of a row but whether it is one.
      if (record.fields !== undefined && isUnmapped(used)) continue;
      const understood = understand(record, used);
      if ('reason' in understood) {
        bad++;
        const leftOut = { file: name, line: record.line, ...understood };
        if (malformed.length < MAX_LISTED) malformed.push(leftOut);
        onLeftOut?.(leftOut);
      } else {
        rows.push({ id, line: record.line, ...understood });
        const rule = saidOf(record.fields as Fields, used)?.rule;
        if (rule !== undefined) named.set(rule, (named.get(rule) ?? 0) + 1);
      }
      if (++read % LOT !== 0) continue;
      onProgress?.(bytes * (0.5 + (0.5 * read) / total), bytes);
      await yieldToEventLoop();
      throwIfCancelled(signal, WHAT);
    }
  }
  onProgress?.(bytes, bytes);
  const rule = ruleOf(used.format, rows, named);
  const facts = {
    name: listed(
      files.map(({ name }) => name),
      3,
    ),
    bytes,
    sha256: sha.hex(),
    layout: layout as string,
    encoding: [...new Set(decoded.map(({ encoding }) => encoding))].join(' and '),
    format: used.format,
    detected: used.detected,
    why: used.why,
    columns: used.columns,
    mapping: used.format === 'columns' ? used.reading.columns : null,
    rule: rule.id,
    licence: FORMAT_TEXTS[used.format].licence,
    malformed: bad,
    malformedRows: malformed,
    notes: [...notesOf(rows.length, bad, decoded, used), ...notesOnUnread(sample, used), ...rule.notes],
  };
  return new DataSet(rows, facts, ({ id, line, of, sameAnswer }) =>
    onLeftOut?.({
      ...{ file: files[fileOf(id)]?.name ?? '', line },
      reason: `duplicate of ${of}, with ${sameAnswer ? 'the same' : 'another'} answer`,
    }),
  );
}

/** Index of the file that a row is of, by its id: `row-17`, or `2:row-17` of the second. */
const fileOf = (id: string): number => Number(/^(\d+):/.exec(id)?.[1] ?? 1) - 1;

/** A file once it has been decoded and cut into records. */
interface Decoded {
  readonly name: string;
  readonly encoding: string;
  readonly records: readonly RawRecord[];
  /** The field of one object under which the records are. */
  readonly inside: string | undefined;
  /** Names given to columns that have none. */
  readonly unnamed: readonly string[];
}

const firstFields = (records: readonly RawRecord[]): Fields[] => {
  const found: Fields[] = [];
  for (const { fields } of records) {
    if (fields !== undefined) found.push(fields);
    if (found.length === LOOKED_AT) break;
  }
  return found;
};

interface Used {
  readonly format: DataFormat;
  readonly detected: DataFormat | null;
  readonly why: string;
  readonly columns: readonly string[];
  readonly reading: DataReading;
  /** Whether columns were chosen, rather than found by their names. */
  readonly isMapped: boolean;
}

/** The format and mapping to read with. */
function usedReading(sample: readonly Fields[], reading: DataReading): Used {
  const columns = [...new Set(sample.flatMap((fields) => Object.keys(fields)))].filter(
    (name) => name !== LINE,
  );
  const found = detectFormat(sample);
  const format = reading.format ?? found?.format ?? 'columns';
  const why =
    found === null
      ? 'no known form fits: choose which column is what'
      : `${found.fitting} of the first ${sample.length} rows have ${found.why}`;
  for (const name of reading.columns ? Object.values(reading.columns) : [])
    if (typeof name === 'string' && !columns.includes(name))
      throw new InputError(
        `there is no column ${JSON.stringify(name)}`,
        `Choose from ${listed(
          columns.map((column) => JSON.stringify(column)),
          12,
        )}.`,
      );
  const mapping = reading.columns ?? usualMapping(columns);
  return {
    format,
    detected: found?.format ?? null,
    why,
    columns,
    reading: { ...reading, format, columns: mapping },
    isMapped: reading.columns !== null,
  };
}

const isUnmapped = ({ format, reading }: Used): boolean => format === 'columns' && reading.columns === null;

/** What a record that the page has written says of itself, if it is read as that. */
function saidOf(fields: Fields, { format, isMapped }: Used): ReturnType<typeof writtenAs> {
  const said = writtenAs(fields);
  return said?.format === format && !isMapped ? said : null;
}

function understand(
  record: RawRecord,
  used: Used,
): Omit<LoadedRow, 'id' | 'line'> | { readonly reason: string } {
  if (record.fields === undefined) return { reason: record.reason };
  const { fields } = record;
  const isWritten = saidOf(fields, used) !== null;
  const { fields: wanted, row } = FORMATS[used.format];
  const missing = isWritten ? [] : wanted.filter((name) => !has(fields, name));
  if (missing.length > 0)
    return { reason: `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing` };
  try {
    return isWritten ? writtenRow(fields) : row(fields, used.reading);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return { reason: error.message };
  }
}

function notesOf(good: number, bad: number, files: readonly Decoded[], used: Used): string[] {
  const { format, detected } = used;
  const notes: string[] = [];
  if (isUnmapped(used))
    notes.push('Which columns hold the question and the answer is not clear from their names: choose them.');
  else if (bad > good)
    notes.push(
      `Most rows are malformed (${bad} of ${good + bad}): this may be another form than the one it was read in.`,
    );
  if (detected !== null && detected !== format)
    notes.push(
      `It is read as ${FORMAT_TEXTS[format].label}, as chosen; by content it is ${FORMAT_TEXTS[detected].label}.`,
    );
  for (const { name, inside } of files)
    if (inside !== undefined)
      notes.push(
        `The rows of ${name} are the list under ${JSON.stringify(inside)}; their lines are those of the object.`,
      );
  notes.push(...files.flatMap(notesOnUnnamed));
  for (const { name, encoding } of files)
    if (encoding !== 'UTF-8') notes.push(`${name} is ${encoding}, by its byte order mark, and was read so.`);
  return notes;
}

function notesOnUnnamed({ name, unnamed, records }: Decoded): string[] {
  const used = unnamed.filter((column) => records.some(({ fields }) => fields && has(fields, column)));
  const rest = unnamed.filter((column) => !used.includes(column));
  const said = (columns: readonly string[]) => listed(columns.map((column) => JSON.stringify(column)));
  return [
    ...(used.length > 0
      ? [`The header of ${name} has columns without a name, called ${said(used)} here.`]
      : []),
    ...(rest.length > 0
      ? [
          `The header of ${name} has columns without a name that are empty throughout and left out: ${said(rest)}.`,
        ]
      : []),
  ];
}

function notesOnUnread(sample: readonly Fields[], used: Used): string[] {
  if (isUnmapped(used)) return [];
  const foreign = sample.filter((fields) => saidOf(fields, used) === null);
  const unread = unreadTexts(foreign, used.format, used.reading.columns);
  if (unread.length === 0) return [];
  const names = listed(unread.map((name) => JSON.stringify(name)));
  return [
    `Rows have text under ${names} too, which is not used: if it is the rationale, choose another form, or columns, under “Read as”.`,
  ];
}
