import type { RuleId } from '../../contract/answer-rules';
import { BUNDLED_ROWS, type DataReading, type DataReport } from '../../contract/data';
import type { HubRows } from '../../hub/rows';
import { HUB, writeSource } from '../../hub/source';
import type { HubDataState } from './hub-data';
import { idle, isBusy } from './task';

/** Where a data set came from, so that a link can lead to it again; files of the user’s own came from nowhere that it could name. */
export type DataOrigin =
  | { readonly kind: 'bundled' }
  | (HubRows & {
      readonly kind: 'rows';
      /** Address of the host. */
      readonly base: string;
      /** First digits of the rows’ SHA-256: the viewer gives those of today, and no others. `null` before they are known. */
      readonly sha256: string | null;
    })
  | {
      readonly kind: 'file';
      readonly base: string;
      /** `org/name` */
      readonly name: string;
      readonly revision: string;
      /** What the host said the revision is; `null` before it was asked, or where it does not say. */
      readonly commit: string | null;
      /** Its path; empty where it is still to be chosen. */
      readonly file: string;
    };

/** What a link asks for of a data set. It is kept until one is opened. */
export interface AskedData {
  /** `null` where the link names none: then the next set that is opened is meant. */
  readonly origin: DataOrigin | null;
  readonly reading: DataReading;
  readonly rule: RuleId | null;
}

/** Digits of a SHA-256 in a link, which are also those that the page shows. */
export const SHA_DIGITS = 16;

/** Whether what was opened is what was asked for. A mirror may have given it, and of rows another number may have been fetched. */
export function isAsked(asked: DataOrigin, opened: DataOrigin | null): boolean {
  if (asked.kind === 'rows' && opened?.kind === 'rows')
    return (['dataset', 'config', 'split'] as const).every((key) => asked[key] === opened[key]);
  if (asked.kind === 'file' && opened?.kind === 'file')
    return (
      asked.name === opened.name &&
      [opened.revision, opened.commit].includes(asked.revision) &&
      ['', opened.file].includes(asked.file)
    );
  return asked.kind === opened?.kind;
}

/** Whether it is that already, to the row, and from a host that a link names. */
export const isHere = (asked: DataOrigin, opened: DataOrigin | null): boolean =>
  isAsked(asked, opened) &&
  isLinked(opened) &&
  !(
    asked.kind === 'rows' &&
    opened.kind === 'rows' &&
    (asked.rows !== opened.rows || ![null, opened.sha256].includes(asked.sha256))
  );

/** What a link asks for, if it is the set that has been opened, or if it names none. */
export const meant = (asked: AskedData | null, opened: DataOrigin | null): AskedData | null =>
  asked !== null && (asked.origin === null || isAsked(asked.origin, opened)) ? asked : null;

/** With what was read. */
export const identified = (origin: DataOrigin | null, { sha256 }: DataReport): DataOrigin | null =>
  origin?.kind === 'rows' ? { ...origin, sha256: sha256.slice(0, SHA_DIGITS) } : origin;

/** Whether the rows are others than those of the link. */
export const isChanged = (asked: DataOrigin | null, opened: DataOrigin | null): boolean =>
  asked?.kind === 'rows' &&
  opened?.kind === 'rows' &&
  asked.sha256 !== null &&
  asked.sha256 !== opened.sha256;

export const changedNote = ({ name }: DataReport): string =>
  `${name} is not what the link was made of: its SHA-256 is another, so that the same draw may give other rows. The set was changed since, or another number of rows was fetched.`;

/** A set that a link names, in words. */
export function originWords(origin: DataOrigin): string {
  if (origin.kind === 'bundled') return BUNDLED_ROWS.label;
  if (origin.kind === 'rows') {
    const { dataset, config, split, rows } = origin;
    const many = rows === null ? 'all rows' : rows === 1 ? 'the first row' : `the first ${rows} rows`;
    return `${many} of ${dataset} (${config}, ${split})`;
  }
  const { name: id, revision, file } = origin;
  return `${file === '' ? 'a file' : file} of ${writeSource({ id, revision })}`;
}

/** The form filled in with what a link asks for. Nothing is fetched. */
export function filledHub(hub: HubDataState, origin: DataOrigin | null): HubDataState {
  if (origin === null || origin.kind === 'bundled') return hub;
  if (origin.kind === 'rows') {
    const { dataset, config, split, rows } = origin;
    return { ...hub, place: 'hub', way: 'rows', rows: { dataset, config, split, rows }, arrived: 0 };
  }
  const { name: id, revision, file } = origin;
  return {
    ...{ ...hub, place: 'hub', way: 'file', repository: writeSource({ id, revision }), file },
    ...(!isBusy(hub.offer) && { offer: idle }),
  };
}

/** Whether a link can lead others there. A mirror is somebody’s own choice. */
export const isLinked = (origin: DataOrigin | null): origin is DataOrigin =>
  origin !== null && (origin.kind === 'bundled' || origin.base === HUB);
