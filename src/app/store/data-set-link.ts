import { RULE_IDS, type RuleId } from '../../contract/answer-rules';
import { AS_DETECTED, type ColumnMapping, DATA_FORMATS, type DataFormat } from '../../contract/data';
import { type HubRows, hubRowsError } from '../../hub/rows';
import { HUB, nameOf, parseDataSource, writeSource } from '../../hub/source';
import { type AskedData, type DataOrigin, isLinked, SHA_DIGITS } from './data-origin';
import { initialHubData } from './hub-data';
import { among, type LinkEntry, quoted, readEntries } from './link-text';
import { sentencesOf } from './task';

/**
 * The part of the Data place's link that names the set, how it is read, and the answer rule:
 * `data-set=bundled`, `data-set=openai/gsm8k&data-config=main&data-split=train&data-rows=200` or
 * `data-set=org/name@revision&data-file=train.txt`, with `data-rule=text`.
 */
type Values = Readonly<Record<string, string>>;

const BUNDLED = 'bundled';
const MAX_NAME = 200;
const COLUMNS = { question: 'data-question', answer: 'data-answer', rationale: 'data-rationale' } as const;

const name = (may: string): LinkEntry => ({
  may: `${may}, of 1 to ${MAX_NAME} characters`,
  accepts: (text) => text.trim() !== '' && text.length <= MAX_NAME,
});

/** Each value by itself; what they must be together is checked afterwards. */
const ENTRIES: Readonly<Record<string, LinkEntry>> = {
  'data-config': name('a configuration of the data set'),
  'data-split': name('a split of the data set'),
  'data-rows': {
    may: 'a whole number from 1, or all',
    accepts: (text) => text === 'all' || (/^\d{1,10}$/.test(text) && Number(text) >= 1),
  },
  'data-sha256': {
    may: `${SHA_DIGITS} hexadecimal digits`,
    accepts: (text) => text.length === SHA_DIGITS && /^[0-9a-f]+$/.test(text),
  },
  'data-file': name('the path of a file of the data set’s repository'),
  'data-format': among(DATA_FORMATS),
  [COLUMNS.question]: name('the name of a column'),
  [COLUMNS.answer]: name('the name of a column'),
  [COLUMNS.rationale]: name('the name of a column'),
  'data-annotations': among(['keep', 'remove']),
  'data-rule': among(RULE_IDS),
};

export const SET_KEYS: readonly string[] = ['data-set', ...Object.keys(ENTRIES)];

/** Of a link's values those that name the set and how it is read, for a place that marks no answers. */
export const setIn = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).filter(([key]) => SET_KEYS.includes(key) && key !== 'data-rule'));

/** Keys that say which rows of a named set, or which file. */
const OF_ROWS = ['data-config', 'data-split', 'data-rows', 'data-sha256'];
const OF_SET = [...OF_ROWS, 'data-file'];

/** The usable values, and what is wrong with the others. */
export function readSetLink(values: URLSearchParams): {
  readonly set: Values;
  readonly problems: readonly string[];
} {
  const { found: set, problems } = readEntries(values, ENTRIES);
  const named = values.get('data-set');
  const problem = named === null ? setless(values) : problemOf(named, values);
  if (problem !== null) problems.push(problem);
  // Half of what names a set would name another.
  const isWhole = problem === null && OF_SET.every((key) => values.has(key) === key in set);
  for (const key of OF_SET) if (named === null || !isWhole) delete set[key];
  const columns = columnsProblem(values);
  if (columns !== null) problems.push(columns);
  const mapped = Object.values(COLUMNS).filter((key) => values.has(key));
  if (columns !== null || mapped.some((key) => !(key in set))) for (const key of mapped) delete set[key];
  return { set: named !== null && isWhole ? { 'data-set': named, ...set } : set, problems };
}

function setless(values: URLSearchParams): string | null {
  const alone = OF_SET.filter((key) => values.has(key));
  return alone.length === 0 ? null : `${alone.join(' and ')} without data-set: no data set is named`;
}

/** What is wrong with a data set and what stands beside it. */
function problemOf(named: string, values: URLSearchParams): string | null {
  const beside = OF_SET.filter((key) => values.has(key));
  if (named === BUNDLED)
    return beside.length === 0
      ? null
      : `${beside.join(' and ')} cannot be chosen of the bundled rows: expected data-set=bundled alone`;
  const shown = `the data set ${quoted(named)}`;
  let source: ReturnType<typeof parseDataSource>;
  try {
    source = parseDataSource(named);
  } catch (thrown) {
    return `the data set: ${sentencesOf(thrown)}`;
  }
  if (source.file !== null) return `${shown} is the address of a file: expected org/name and data-file`;
  if (!OF_ROWS.some((key) => values.has(key))) return null;
  if (values.has('data-file'))
    return `${shown} has both data-file and ${beside[0]}: expected a file, or rows of a split`;
  if (source.revision !== 'main')
    return `${shown} has a revision, which the dataset viewer does not serve: expected org/name, or data-file`;
  // How many has been checked by itself.
  const { 'data-rows': _many, ...names } = Object.fromEntries(values);
  const wrong = hubRowsError(rowsOf(nameOf(source), names));
  return wrong === null ? null : `${shown}: ${wrong}`;
}

const columnsProblem = (values: URLSearchParams): string | null =>
  Object.values(COLUMNS).some((key) => values.has(key)) &&
  !(values.has(COLUMNS.question) && values.has(COLUMNS.answer))
    ? `of the columns only ${Object.values(COLUMNS)
        .filter((key) => values.has(key))
        .join(' and ')} is given: expected both data-question and data-answer`
    : null;

/** Rows as the values have them; how many, where they do not say, is what the form begins with. */
function rowsOf(dataset: string, values: Values): HubRows {
  const many = values['data-rows'];
  return {
    dataset,
    config: values['data-config'] ?? '',
    split: values['data-split'] ?? '',
    rows: many === undefined ? initialHubData.rows.rows : many === 'all' ? null : Number(many),
  };
}

function originOf(values: Values): DataOrigin | null {
  const named = values['data-set'];
  if (named === undefined) return null;
  if (named === BUNDLED) return { kind: 'bundled' };
  const source = parseDataSource(named);
  if ('data-config' in values)
    return {
      kind: 'rows',
      base: HUB,
      sha256: values['data-sha256'] ?? null,
      ...rowsOf(nameOf(source), values),
    };
  const { revision } = source;
  return {
    kind: 'file',
    base: HUB,
    name: nameOf(source),
    revision,
    commit: null,
    file: values['data-file'] ?? '',
  };
}

function mappingOf(values: Values): ColumnMapping | null {
  const { [COLUMNS.question]: question, [COLUMNS.answer]: answer, [COLUMNS.rationale]: rationale } = values;
  if (question === undefined || answer === undefined) return null;
  return { question, answer, ...(rationale !== undefined && { rationale }) };
}

/** What a link asks for; `null` if that is nothing. @param values those that `readSetLink` found usable */
export function askedOf(values: Values): AskedData | null {
  if (!SET_KEYS.some((key) => key in values)) return null;
  return {
    origin: originOf(values),
    reading: {
      format: (values['data-format'] as DataFormat | undefined) ?? AS_DETECTED.format,
      columns: mappingOf(values),
      annotations: values['data-annotations'] === 'remove' ? 'remove' : 'keep',
    },
    rule: (values['data-rule'] as RuleId | undefined) ?? null,
  };
}

/** What a link must carry for this. Of a set that no link leads to, only how it is read and marked. */
export function setLink({ origin, reading, rule }: AskedData): Values {
  const link: Record<string, string> = isLinked(origin) ? namesOf(origin) : {};
  if (reading.format !== null) link['data-format'] = reading.format;
  for (const [field, key] of Object.entries(COLUMNS)) {
    const column = reading.columns?.[field as keyof ColumnMapping];
    if (column !== undefined) link[key] = column;
  }
  if (reading.annotations !== 'keep') link['data-annotations'] = reading.annotations;
  if (rule !== null) link['data-rule'] = rule;
  return link;
}

function namesOf(origin: DataOrigin): Record<string, string> {
  if (origin.kind === 'bundled') return { 'data-set': BUNDLED };
  if (origin.kind === 'rows') {
    const { dataset, config, split, rows, sha256 } = origin;
    return {
      'data-set': dataset,
      'data-config': config,
      'data-split': split,
      'data-rows': rows === null ? 'all' : String(rows),
      ...(sha256 !== null && { 'data-sha256': sha256 }),
    };
  }
  const { name: id, revision, commit, file } = origin;
  // The commit where it is known: a branch may have other rows tomorrow.
  return {
    'data-set': writeSource({ id, revision: commit ?? revision }),
    ...(file !== '' && { 'data-file': file }),
  };
}
