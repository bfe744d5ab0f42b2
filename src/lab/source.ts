import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  AS_DETECTED,
  DATA_FORMATS,
  type DataFilter,
  type DataFormat,
  type DataReading,
  type DataReport,
  FORMAT_TEXTS,
  NO_FILTER,
} from '../contract/data';
import type { Source, Subject } from '../contract/lens';
import { HELD_OUT, type ProblemSource } from '../contract/problem-source';
import { readSpan, type TokenSpan } from '../contract/span';
import type { LoriWorkbench } from '../engine/session/workbench';
import { LeftOutFile } from './left-out';
import { type DataArguments, type LensArguments, whole } from './options';

export const list = (text: string | undefined): string[] =>
  text?.split(',').filter((part) => part !== '') ?? [];
export const numbers = (option: string, text: string | undefined): number[] =>
  list(text).map((part) => whole(option, part));

/** The tokens that `--span` names. @throws an error saying what is wrong with it */
export function spanOf({ span: given }: Pick<LensArguments, 'span'>): TokenSpan | null {
  const { span, error } = readSpan(given ?? 'all');
  if (error) throw new Error(`--span ${JSON.stringify(given)}: ${error}`);
  return span;
}

/**
 * The source chosen by the options that name samples. @throws an error that says which of them exclude each
 * other
 */
export function sourceOf(
  given: Pick<LensArguments, 'text' | 'ids' | 'data' | 'max-tokens'>,
  seed: number,
  samples: number,
): Source {
  const { text: texts, data } = given;
  const ids = list(given.ids);
  const longest = given['max-tokens'];
  if ([texts, ids, data].filter(({ length }) => length > 0).length > 1)
    throw new Error('--text, --ids and --data name three kinds of samples; one is expected');
  if (longest !== undefined && data.length === 0)
    throw new Error('--max-tokens chooses among the rows of --data; give --data');
  if (texts.length > 0) return { kind: 'texts', texts };
  if (ids.length > 0) return { kind: 'ids', ids };
  if (data.length > 0)
    return { kind: 'rows', seed, samples, ...(longest !== undefined && { filter: upTo(longest) }) };
  return { kind: 'problems', seed, samples };
}

const upTo = (tokens: string): DataFilter => ({
  ...NO_FILTER,
  tokens: [null, whole('max-tokens', tokens)],
});

type Say = (line: string) => void;

const PARTS: readonly string[] = ['question', 'answer', 'rationale'];

/** How a data set is read. @throws an error that names what is wrong with --read-as or --columns */
export function readingOf({
  data,
  'read-as': format,
  columns,
  'left-out': leftOut,
}: DataArguments): DataReading {
  if (leftOut !== undefined && data.length === 0)
    throw new Error('--left-out is about the rows of --data; give --data');
  if (format === undefined && columns === undefined) return AS_DETECTED;
  if (data.length === 0) throw new Error('--read-as and --columns say how --data is read; give --data');
  if (format !== undefined && !(DATA_FORMATS as readonly string[]).includes(format))
    throw new Error(`--read-as ${JSON.stringify(format)}; there are ${DATA_FORMATS.join(', ')}`);
  if (columns === undefined) return { ...AS_DETECTED, format: format as DataFormat };
  if (format !== undefined && format !== COLUMNS)
    throw new Error(`--columns is for rows read by their columns, not as ${format}: leave out --read-as`);
  const pairs = columns.split(',').map((pair) => pair.split('=') as [string, string?]);
  const { question, answer, rationale } = Object.fromEntries(pairs);
  const unknown = pairs.find(([part, name]) => !PARTS.includes(part) || !name);
  if (unknown || !question || !answer)
    throw new Error(
      `--columns ${JSON.stringify(columns)}; question=…,answer=… is expected, and rationale=… where there is one`,
    );
  return {
    ...{ ...AS_DETECTED, format: COLUMNS },
    columns: { question, answer, ...(rationale && { rationale }) },
  };
}

const COLUMNS: DataFormat = 'columns';

/** Malformed rows that are said. */
const SAID = 10;

/** Opens the data set, and reports what was found in it. */
export async function openRows(
  workbench: LoriWorkbench,
  given: DataArguments,
  say: Say,
): Promise<DataReport> {
  const reading = readingOf(given);
  const { data: paths } = given;
  const files = await Promise.all(
    paths.map(async (path) => ({
      name: basename(path),
      data: new Blob([
        await readFile(path).catch((error: Error) => {
          throw new Error(`--data ${JSON.stringify(path)}: ${error.message}`);
        }),
      ]),
    })),
  );
  const leftOut = new LeftOutFile(given['left-out']);
  let report: DataReport;
  try {
    report = await workbench.openData(files, reading, { onLeftOut: leftOut.add });
  } finally {
    leftOut.end();
  }
  const { name, format, why, rows, malformed, duplicates, malformedRows, notes } = report;
  say(
    `${name}: ${FORMAT_TEXTS[format].label} (${why}); ${rows} rows, ${malformed} malformed, ${duplicates} duplicates`,
  );
  for (const { file, line, reason } of malformedRows.slice(0, SAID)) say(`${file}:${line}: ${reason}`);
  if (malformed > SAID) say(`… the first ${SAID} of ${malformed}; --left-out file.csv writes all`);
  for (const note of notes) say(`note: ${note}`);
  return report;
}

/** Where problems come from: rows of the given data set, or held-out problems. */
export async function problemSourceOf(
  workbench: LoriWorkbench,
  given: DataArguments,
  seed: number,
  say: Say,
): Promise<ProblemSource> {
  if (given.data.length === 0) return HELD_OUT;
  await openRows(workbench, given, say);
  return { kind: 'rows', seed };
}

/** Reports how many tokens the rows have for the model. */
export async function countRows(workbench: LoriWorkbench, subject: Subject, say: Say): Promise<void> {
  const { model, all, positions, tooLong } = await workbench.countTokens(subject);
  const limit = positions === null ? '' : `; ${tooLong} rows are longer than its ${positions} positions`;
  say(`${model}: ${all.least} to ${all.most} tokens per row, median ${all.median}${limit}`);
}
