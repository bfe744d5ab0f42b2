import { readSubject } from './lens-draft';
import { type LinkEntry, readEntries, wholeNumber } from './link-text';
import type { WholeRange } from './whole';

/** Settings of a form in a link: each by a key of its own, and left out where it is the default. */

export interface FormEntry<Draft> extends Pick<LinkEntry, 'may'> {
  /** The part of the draft that the text stands for, or `null`. @param draft the one without it */
  read(text: string, draft: Draft): Partial<Draft> | null;
  /** `null` where there is nothing to say. */
  write(draft: Draft): string | null;
  /** The field, if it is typed into: continued typing is one step of undo. */
  readonly typed?: keyof Draft;
}

/** By their keys, which are no other part's of a link. */
export type FormEntries<Draft> = Readonly<Record<string, FormEntry<Draft>>>;

/** Characters of a text in a link; a longer one stays on the page. */
export const MAX_LINK_TEXT = 500;

/** Entries of the usual kinds for the fields of a draft. */
export function entriesFor<Draft extends object>() {
  type Field = keyof Draft & string;
  const only = (field: Field, value: unknown) => ({ [field]: value }) as unknown as Partial<Draft>;
  const written = (field: Field) => (draft: Draft) => (draft[field] === null ? null : String(draft[field]));
  const counted = (field: Field, range: WholeRange): FormEntry<Draft> => {
    const { may, accepts } = wholeNumber(range);
    return {
      may,
      read: (text) => (accepts(text) ? only(field, Number(text)) : null),
      write: written(field),
      typed: field,
    };
  };
  return {
    oneOf: (field: Field, values: readonly string[]): FormEntry<Draft> => ({
      may: values.join(', '),
      read: (text) => (values.includes(text) ? only(field, text) : null),
      write: written(field),
    }),
    check: (field: Field): FormEntry<Draft> => ({
      may: '1 or 0',
      read: (text) => (text === '1' || text === '0' ? only(field, text === '1') : null),
      write: (draft) => (draft[field] ? '1' : '0'),
    }),
    count: counted,
    /** A number that is chosen from a list; `null`, the default, is in no link. */
    choice: (field: Field, range: WholeRange): FormEntry<Draft> => {
      const { typed: _, ...entry } = counted(field, range);
      return entry;
    },
    number: (field: Field, [low, high]: readonly [number, number]): FormEntry<Draft> => ({
      may: `a number from ${low} to ${high}`,
      read: (text) =>
        /^[-+.\de]+$/i.test(text) && Number(text) >= low && Number(text) <= high
          ? only(field, Number(text))
          : null,
      write: written(field),
      typed: field,
    }),
    /** A list as typed, in a link with commas. */
    list: (field: Field, may: string, accepts: (text: string) => boolean): FormEntry<Draft> => ({
      may,
      read: (text) =>
        text.length <= MAX_LINK_TEXT && accepts(text) ? only(field, text.replaceAll(',', ', ')) : null,
      write: (draft) =>
        String(draft[field])
          .trim()
          .replaceAll(/[\s,;]+/g, ','),
      typed: field,
    }),
    text: (field: Field): FormEntry<Draft> => ({
      may: `at most ${MAX_LINK_TEXT} characters`,
      read: (text) => (text.length <= MAX_LINK_TEXT ? only(field, text) : null),
      write: written(field),
      typed: field,
    }),
    subject: (field: Field): FormEntry<Draft> => ({
      may: 'teacher, base, student, student-3 (its checkpoint 3), opened',
      read: (text) => (readSubject(text) === null ? null : only(field, text)),
      write: written(field),
    }),
  };
}

/** The usable values of a link, and what is wrong with the others. */
export const readForm = <Draft>(values: URLSearchParams, entries: FormEntries<Draft>, initial: Draft) =>
  readEntries(
    values,
    Object.fromEntries(
      Object.entries(entries).map(([key, { may, read }]) => [
        key,
        { may, accepts: (text: string) => read(text, initial) !== null },
      ]),
    ),
  );

/** The draft that a link asks for. @param found the usable values */
export function followForm<Draft>(
  found: Readonly<Record<string, string>>,
  entries: FormEntries<Draft>,
  initial: Draft,
): Draft {
  let draft = initial;
  for (const [key, { read }] of Object.entries(entries)) {
    const text = found[key];
    if (text !== undefined) draft = { ...draft, ...read(text, draft) };
  }
  return draft;
}

/** What a link must carry to come back to this draft. Half-typed values stay out of it. */
export function formLink<Draft>(
  draft: Draft,
  entries: FormEntries<Draft>,
  initial: Draft,
): Record<string, string> {
  const link: Record<string, string> = {};
  for (const [key, entry] of Object.entries(entries)) {
    const text = entry.write(draft);
    if (text !== null && text !== entry.write(initial) && entry.read(text, draft) !== null) link[key] = text;
  }
  return link;
}

export const typedFields = <Draft>(entries: FormEntries<Draft>): readonly (keyof Draft)[] =>
  Object.values(entries).flatMap(({ typed }) => typed ?? []);
