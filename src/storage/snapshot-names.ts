import { SNAPSHOT_STATUS, type SnapshotStatus } from '../contract/snapshot-status';
import { hexOf } from '../text/hex';

/**
 * A snapshot's file is named after what it holds and after its content: `40-150-training-<16 digits of its
 * SHA-256>.safetensors`. So listing opens no file, and an incomplete file is recognised because its digest
 * does not match its name.
 */
export interface SnapshotName {
  readonly step: number;
  readonly steps: number;
  readonly status: SnapshotStatus;
  /** The first 16 hex digits of the SHA-256 of its bytes. */
  readonly digest: string;
}

const FORM = new RegExp(
  `^(\\d{1,9})-(\\d{1,9})-(${SNAPSHOT_STATUS.join('|')})-([0-9a-f]{16})\\.safetensors$`,
);

export const snapshotName = ({ step, steps, status, digest }: SnapshotName): string =>
  `${step}-${steps}-${status}-${digest}.safetensors`;

/** `null` for a name that is not a snapshot's, such as that of a file still being written. */
export function parseSnapshotName(name: string): SnapshotName | null {
  const found = FORM.exec(name);
  if (!found) return null;
  const [, step, steps, status, digest] = found;
  return { step: Number(step), steps: Number(steps), status: status as SnapshotStatus, digest: digest ?? '' };
}

/** Newest first: by step, and within a step by how far the run is. */
export const newestFirst = (a: SnapshotName, b: SnapshotName): number =>
  b.step - a.step || SNAPSHOT_STATUS.indexOf(b.status) - SNAPSHOT_STATUS.indexOf(a.status);

/** A run's folder: file systems allow fewer characters than ids may contain. */
export const folderOf = (run: string): string =>
  run.replaceAll(/[^\w.-]/g, (sign) => `~${sign.codePointAt(0)?.toString(16)}~`);
export const runOf = (folder: string): string =>
  folder.replaceAll(/~([0-9a-f]{1,6})~/g, (_, code: string) =>
    String.fromCodePoint(Number.parseInt(code, 16)),
  );

/** @returns the first 16 hex digits */
export async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return hexOf(digest.subarray(0, 8));
}
