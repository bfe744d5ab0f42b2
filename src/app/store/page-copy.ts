import { bytesOfPage, type PageCopies, type PageFiles } from '../../storage/page-copy';
import { idle, type Task } from './task';

/** The page's own files, kept so that it opens without its host. */
export interface PageCopyState {
  /** Null until it is known. */
  readonly copies: PageCopies | null;
  /** Why none can be kept in this browser. */
  readonly unavailable: string | null;
  readonly keeping: Task<true>;
  /** Bytes that have arrived, and all. */
  readonly progress: { readonly done: number; readonly total: number } | null;
}

export const initialPageCopy: PageCopyState = {
  copies: null,
  unavailable: null,
  keeping: idle,
  progress: null,
};

/** What is kept of this page: this version, another one, nothing; or nothing can be, where it is not a build. */
export type Keeping = 'unbuilt' | 'nothing' | 'another' | 'this';

export function keepingOf({ here, kept }: PageCopies): Keeping {
  if (kept === null) return here === null ? 'unbuilt' : 'nothing';
  return here === null || here.version === kept.version ? 'this' : 'another';
}

export const pageBytes = (files: PageFiles | null): number => (files ? bytesOfPage(files) : 0);
