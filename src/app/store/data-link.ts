import { DATA_PARTS, type DataPart } from '../../contract/data';
import {
  type DataDraft,
  type DataState,
  dataErrors,
  initialData,
  initialDataDraft,
  MAX_ROWS,
  MAX_SAMPLED,
} from './data';
import { filledHub } from './data-origin';
import { askedOf, readSetLink, SET_KEYS, setLink } from './data-set-link';
import { type LinkEntry, readEntries } from './link-text';
import { SEEDS } from './whole';

/**
 * The part of the Data place that a link carries: which rows are drawn, `#/data?data-sample=32&data-steps=2-5`, and of which
 * set. The user's own files are in no link.
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

export const DATA_KEYS: readonly string[] = [...Object.keys(FIELDS), ...SET_KEYS];

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
  const { found, problems } = readEntries(values, ENTRIES);
  return { data: { ...set, ...found }, problems: [...problems, ...ofSet] };
}

const RANGE = 'a range such as 3-8, 3- or -8';
const MAY_BE: Readonly<Record<keyof DataDraft, string>> = {
  part: DATA_PARTS.join(', '),
  samples: `a whole number from 1 to ${MAX_SAMPLED}`,
  heldOut: `a whole number from 0 to ${MAX_ROWS}`,
  seed: `a whole number from ${SEEDS[0]} to ${SEEDS[1]}`,
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

/** The draft that the link asks for. */
export function followDataLink(data: DataLink): DataDraft {
  let draft = initialDataDraft;
  for (const [key, text] of Object.entries(data)) {
    const field = FIELDS[key];
    if (field !== undefined) draft = { ...draft, ...read(field, text) };
  }
  return draft;
}

/** The state that a link begins with: nothing is opened, and nothing fetched. */
export function dataOfLink(data: DataLink): DataState {
  const asked = askedOf(data);
  const hub = filledHub(initialData.hub, asked?.origin ?? null);
  return { ...initialData, draft: followDataLink(data), asked, hub };
}

/**
 * What a link must carry to come back to this: to what another link has asked for, while that is not here. Half-typed values stay out
 * of the address.
 */
export function dataLink(
  state: Pick<DataState, 'draft' | 'origin' | 'reading' | 'rule' | 'asked'>,
): DataLink {
  const { draft, asked } = state;
  const data: Record<string, string> = { ...setLink(asked ?? state) };
  for (const [key, field] of Object.entries(FIELDS)) {
    const text = String(draft[field]).replaceAll(' ', '');
    if (draft[field] !== initialDataDraft[field] && read(field, text) !== null) data[key] = text;
  }
  return data;
}
