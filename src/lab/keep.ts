import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunOptions } from '../contract/calls';
import type { RunConfig } from '../contract/config';
import type { Methods } from '../contract/methods/method';
import { pathsOf, valueAt } from '../contract/settings';
import { readSnapshot } from '../engine/session/runs/snapshot-file';
import { listed, quote } from '../text/quote';

/** Runs kept in a folder, as the page keeps them in the browser: `--keep` writes it, `--resume` trains on from it. */

/** The run's latest snapshot. */
const SNAPSHOT = 'snapshot.safetensors';

/** Where a run that is kept in a folder has its file. */
export const snapshotPath = (folder: string): string => join(folder, SNAPSHOT);

/** Writes snapshots into the folder: under another name, flushed to the disk, and then in place of the one before. */
export async function keepIn(folder: string): Promise<NonNullable<RunOptions['keep']>> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, SNAPSHOT);
  return async ({ file }) => {
    const part = await open(`${path}.part`, 'w');
    try {
      await part.writeFile(file);
      await part.sync();
    } finally {
      await part.close();
    }
    await rename(`${path}.part`, path);
  };
}

/** A new run must not take the place of one that is there. @throws an error that says what to do */
export async function refuseKept(folder: string): Promise<void> {
  if (
    await stat(join(folder, SNAPSHOT)).then(
      () => true,
      () => false,
    )
  )
    throw new Error(
      `--keep ${quote(folder)}: a run is kept there already; --resume ${quote(folder)} trains it on, or choose another folder`,
    );
}

/** A kept run: its file, and the configuration it was started with. */
export interface KeptRun {
  readonly file: Uint8Array<ArrayBuffer>;
  readonly config: RunConfig;
  readonly step: number;
}

/** @throws an error naming the folder, or what is wrong with the file */
export async function keptIn(folder: string, methods: Methods): Promise<KeptRun> {
  const path = join(folder, SNAPSHOT);
  const file = await readFile(path).catch((error: Error) => {
    throw new Error(`--resume ${quote(folder)}: no run is kept there (${error.message})`);
  });
  const bytes = new Uint8Array(file);
  const { header } = await readSnapshot(bytes, methods);
  return { file: bytes, config: header.config, step: header.step };
}

/**
 * A run goes on as it was started: what `--config`, `--preset` and `--set` ask for must be that.
 * @throws an error naming the settings that differ
 */
export function checkAsked(asked: RunConfig, kept: RunConfig): void {
  const differ = [...new Set([...pathsOf(asked), ...pathsOf(kept)])]
    .map((path) => ({ path, was: valueAt(kept, path), now: valueAt(asked, path) }))
    .filter(({ was, now }) => JSON.stringify(was) !== JSON.stringify(now))
    .map(({ path, was, now }) => `${path} is ${quote(was)}, not ${quote(now)}`);
  if (differ.length > 0)
    throw new Error(
      `--resume: the run was started with other settings: ${listed(differ, 6)}; leave the settings out, or start a new run`,
    );
}
