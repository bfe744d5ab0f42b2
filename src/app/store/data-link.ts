import { DATA_PARTS, type DataPart } from '../../contract/data';
import { type DataDraft, dataErrors, initialDataDraft } from './data';
import { quoted } from './link-text';

/**
 * The part of the Data place that a link carries: `#/data?data-sample=32&data-steps=2-5`. The rows themselves
 * stay on the page.
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

export const DATA_KEYS: readonly string[] = Object.keys(FIELDS);

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
  const data: Record<string, string> = {};
  const problems: string[] = [];
  for (const [key, field] of Object.entries(FIELDS)) {
    const text = values.get(key);
    if (text === null) continue;
    if (read(field, text) !== null) data[key] = text;
    else problems.push(`unknown ${key} ${quoted(text)}: expected ${mayBe(field)}`);
  }
  return { data, problems };
}

const mayBe = (field: keyof DataDraft): string =>
  field === 'part'
    ? DATA_PARTS.join(', ')
    : typeof initialDataDraft[field] === 'number'
      ? 'a whole number in its range'
      : 'a range such as 3-8, 3- or -8';

/** The draft that the link asks for. */
export function followDataLink(data: DataLink): DataDraft {
  let draft = initialDataDraft;
  for (const [key, text] of Object.entries(data)) {
    const field = FIELDS[key];
    if (field !== undefined) draft = { ...draft, ...read(field, text) };
  }
  return draft;
}

/** What a link must carry to come back to this draft. Half-typed values stay out of the address. */
export function dataLink(draft: DataDraft): DataLink {
  const data: Record<string, string> = {};
  for (const [key, field] of Object.entries(FIELDS)) {
    const text = String(draft[field]).replaceAll(' ', '');
    if (draft[field] !== initialDataDraft[field] && read(field, text) !== null) data[key] = text;
  }
  return data;
}
