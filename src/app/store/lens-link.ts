import type { DataFilter } from '../../contract/data';
import { CONTROLS, SECTIONS, STACKS } from '../../contract/lens';
import { readSpan } from '../../contract/span';
import { entriesFor, type FormEntry, readForm } from './form-link';
import { readLayers } from './layers';
import { initialDraft, type LensDraft, lensRanges, usualSections } from './lens-draft';
import { among, readEntries } from './link-text';
import { readRange, writeRange } from './ranges';

/** The part of the low-rank place that a link carries: `#/lowrank?view=ranks&subject=student&layers=1-3`. */

export const LENS_VIEWS = ['spectra', 'ranks', 'tucker', 'trajectories', 'angles', 'causal'] as const;
export type LensView = (typeof LENS_VIEWS)[number];

/** The values of a link, as text; absent values are defaults. */
export type LensLink = Readonly<Record<string, string>>;

type Entry = FormEntry<LensDraft>;
const of = entriesFor<LensDraft>();

const list = <K extends 'sections' | 'overlaySections' | 'controls'>(
  key: K,
  values: readonly string[],
): Entry => ({
  may: `some of ${values.join(', ')}, separated by commas`,
  read(text) {
    const words = text === '' ? [] : text.split(',');
    return words.every((word) => values.includes(word))
      ? ({ [key]: values.filter((value) => words.includes(value)) } as Partial<LensDraft>)
      : null;
  },
  write: (draft) => draft[key].join(','),
});

/** A range of the rows drawn from. The filter has three: each entry changes its own. */
const rows = (key: keyof DataFilter): Entry => ({
  may: 'a range such as 3-8, 3- or -8',
  read(text, { rowsFilter }) {
    const { range } = readRange(text);
    return range === null ? null : { rowsFilter: { ...rowsFilter, [key]: range } };
  },
  write: ({ source, rowsFilter }) => (source === 'rows' ? writeRange(rowsFilter[key]) || null : null),
});

const ranges = lensRanges();

const ENTRIES: Readonly<Record<string, Entry>> = {
  source: {
    may: 'rows (of the data set that is open)',
    read: (text) => (text === 'rows' ? { source: 'rows' } : null),
    write: ({ source }) => (source === 'rows' ? source : null),
  },
  'row-steps': rows('steps'),
  'row-words': rows('words'),
  'row-tokens': rows('tokens'),
  samples: of.count('samples', ranges.samples),
  draw: of.count('drawSeed', ranges.drawSeed),
  ids: {
    may: 'sample ids, separated by commas',
    read: (text) =>
      text.length <= 2000 && text !== '' ? { source: 'ids', ids: text.replaceAll(',', ' ') } : null,
    write: ({ source, ids }) => (source === 'ids' ? ids.trim().replaceAll(/[\s,;]+/g, ',') : null),
  },
  subject: of.subject('subject'),
  sections: list('sections', SECTIONS),
  overlay: of.subject('overlay'),
  'overlay-sections': list('overlaySections', SECTIONS),
  layers: of.list(
    'layers',
    '“all”, or numbers and ranges such as 1-3,6',
    (text) => readLayers(text, null).error === null,
  ),
  tokens: {
    may: '“all”, or tokens counted from 1: 3-10, 3- or 3',
    read: (text) => (readSpan(text).error === null ? { span: text } : null),
    write: ({ span }) => span.trim().toLowerCase().replaceAll(/\s+/g, '').replaceAll('–', '-') || null,
  },
  stack: of.oneOf('stack', STACKS),
  centre: of.check('centre'),
  controls: list('controls', CONTROLS),
  seed: of.count('seed', ranges.seed),
  tucker: of.check('tucker'),
  trajectories: of.oneOf('trajectories', ['tucker', 'pca']),
  angles: of.count('angles', ranges.angles),
  'file-layers': of.list(
    'fileLayers',
    '“all”, or numbers and ranges of layers from 0 on, such as 0,4-6',
    (text) => readLayers(text, null, 0).error === null,
  ),
};

export const LENS_KEYS: readonly string[] = ['view', ...Object.keys(ENTRIES)];

/** The usable values, and what is wrong with the others. */
export function readLensLink(values: URLSearchParams): {
  readonly lens: LensLink;
  readonly problems: readonly string[];
} {
  const view = readEntries(values, { view: among(LENS_VIEWS) });
  const draft = readForm(values, ENTRIES, initialDraft());
  return { lens: { ...view.found, ...draft.found }, problems: [...view.problems, ...draft.problems] };
}

/** The view and the draft that the link asks for, starting from the given draft. */
export function followLensLink(lens: LensLink, initial: LensDraft): { draft: LensDraft; view: LensView } {
  let draft = initial;
  for (const [key, text] of Object.entries(lens)) draft = { ...draft, ...ENTRIES[key]?.read(text, draft) };
  if (!('sections' in lens)) draft = { ...draft, sections: usualSections(draft.subject, draft.source) };
  if (!('overlay-sections' in lens) && draft.overlay !== null)
    draft = { ...draft, overlaySections: usualSections(draft.overlay, draft.source) };
  return { draft, view: (lens.view as LensView | undefined) ?? 'spectra' };
}

/** What a link must carry to restore this view of this draft. Typed texts stay on the page. */
export function lensLink(draft: LensDraft, view: LensView, initial: LensDraft): LensLink {
  const lens: Record<string, string> = view === 'spectra' ? {} : { view };
  for (const [key, entry] of Object.entries(ENTRIES)) {
    const text = entry.write(draft);
    const usual =
      key === 'sections'
        ? usualSections(draft.subject, draft.source).join(',')
        : key === 'overlay-sections'
          ? draft.overlay === null
            ? text
            : usualSections(draft.overlay, draft.source).join(',')
          : entry.write(initial);
    // Half-typed values are kept out of the address.
    if (text !== null && text !== usual && entry.read(text, draft) !== null) lens[key] = text;
  }
  return lens;
}
