import { DATA_PARTS, type DataPart } from '../../contract/data';
import { LIMIT_ENDS } from '../../contract/generate';
import {
  type DataDraft,
  type DataState,
  DRAW_RANGES,
  dataErrors,
  initialData,
  initialDataDraft,
} from './data';
import { type DataAnswers, initialAnswers } from './data-answers';
import { filledHub } from './data-origin';
import { askedOf, readSetLink, SET_KEYS, setLink } from './data-set-link';
import { type LinkEntry, readEntries, wholeNumber } from './link-text';

/**
 * The part of the Data place that a link carries: which rows are drawn, `#/data?data-sample=32&data-steps=2-5`, of which
 * set, and the limit of answers. The user's own files are in no link.
 */

/** The values of a link, as text; absent ones are the defaults. */
export type DataLink = Readonly<Record<string, string>>;

const FIELDS: Readonly<Record<string, keyof DataDraft>> = {
  'data-part': 'part',
  'data-sample': 'samples',
  'data-held-out': 'heldOut',
  'data-seed': 'seed',
  'data-steps': 'steps',
  'data-words': 'words',
  'data-tokens': 'tokens',
};

/** New tokens of an answer, at most. */
const LIMIT_KEY = 'data-limit';

export const DATA_KEYS: readonly string[] = [...Object.keys(FIELDS), LIMIT_KEY, ...SET_KEYS];

function read(field: keyof DataDraft, text: string): Partial<DataDraft> | null {
  if (field === 'part') return DATA_PARTS.includes(text as DataPart) ? { part: text as DataPart } : null;
  const isNumber = typeof initialDataDraft[field] === 'number';
  if (isNumber && !/^\d{1,10}$/.test(text)) return null;
  const change = { [field]: isNumber ? Number(text) : text };
  return dataErrors({ ...initialDataDraft, ...change }).has(field) ? null : change;
}

/** The usable values, and what is wrong with the others. */
export function readDataLink(values: URLSearchParams): {
  readonly data: DataLink;
  readonly problems: readonly string[];
} {
  const { set, problems: ofSet } = readSetLink(values);
  const { found, problems } = readEntries(values, { ...ENTRIES, [LIMIT_KEY]: LIMIT });
  return { data: { ...set, ...found }, problems: [...problems, ...ofSet] };
}

const RANGE = 'a range such as 3-8, 3- or -8';
const MAY_BE: Readonly<Record<keyof DataDraft, string>> = {
  part: DATA_PARTS.join(', '),
  samples: wholeNumber(DRAW_RANGES.samples).may,
  heldOut: wholeNumber(DRAW_RANGES.heldOut).may,
  seed: wholeNumber(DRAW_RANGES.seed).may,
  steps: RANGE,
  words: RANGE,
  tokens: RANGE,
};
const ENTRIES: Readonly<Record<string, LinkEntry>> = Object.fromEntries(
  Object.entries(FIELDS).map(([key, field]) => [
    key,
    { may: MAY_BE[field], accepts: (text: string) => read(field, text) !== null },
  ]),
);
const LIMIT = wholeNumber(LIMIT_ENDS);

/** The draft that the link asks for. */
export function followDataLink(data: DataLink): DataDraft {
  let draft = initialDataDraft;
  for (const [key, text] of Object.entries(data)) {
    const field = FIELDS[key];
    if (field !== undefined) draft = { ...draft, ...read(field, text) };
  }
  return draft;
}

/** The limit of answers that the link asks for. */
export const limitOfLink = ({ [LIMIT_KEY]: limit }: DataLink): number =>
  limit === undefined ? initialAnswers.limit : Number(limit);

/** The state that a link begins with: nothing is opened, and nothing fetched. */
export function dataOfLink(data: DataLink): DataState {
  const asked = askedOf(data);
  const hub = filledHub(initialData.hub, asked?.origin ?? null);
  const answers = { ...initialAnswers, limit: limitOfLink(data) };
  return { ...initialData, draft: followDataLink(data), asked, hub, answers };
}

/**
 * What a link must carry to come back to this: to what another link has asked for, while that is not here. Half-typed values stay out
 * of the address.
 */
export function dataLink(
  state: Pick<DataState, 'draft' | 'origin' | 'reading' | 'rule' | 'asked'> & {
    readonly answers: Pick<DataAnswers, 'limit'>;
  },
): DataLink {
  const { draft, asked, answers } = state;
  const data: Record<string, string> = { ...setLink(asked ?? state) };
  for (const [key, field] of Object.entries(FIELDS)) {
    const text = String(draft[field]).replaceAll(' ', '');
    if (draft[field] !== initialDataDraft[field] && read(field, text) !== null) data[key] = text;
  }
  const limit = String(answers.limit);
  if (answers.limit !== initialAnswers.limit && LIMIT.accepts(limit)) data[LIMIT_KEY] = limit;
  return data;
}
