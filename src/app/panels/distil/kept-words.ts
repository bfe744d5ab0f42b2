import { bytes } from '../../ui/format';

/** What is said before a run of keeping it. */
export interface KeptWords {
  readonly text: string;
  /** The run would not be kept. */
  readonly isWarning: boolean;
}

/**
 * A snapshot replaces the one before only once it is written: for a moment there are two.
 * @param kept bytes of a snapshot  @param room bytes left, `null` where the browser does not say, or why nothing is kept
 */
export function keptWords(kept: number, room: number | null | { readonly unavailable: string }): KeptWords {
  if (typeof room === 'object' && room !== null)
    return {
      text: `The run would not be kept: ${room.unavailable}. Download what you want to keep.`,
      isWarning: true,
    };
  const takes = `Kept in this browser while it trains: ${bytes(kept)}, twice that while it is written`;
  if (room === null) return { text: `${takes}.`, isWarning: false };
  if (room >= 2 * kept) return { text: `${takes}; ${bytes(room)} are left for this site.`, isWarning: false };
  return {
    text: `${takes}; ${bytes(room)} are left for this site, so the run might not be kept. Delete kept runs or stored models, or free space on the disk.`,
    isWarning: true,
  };
}
