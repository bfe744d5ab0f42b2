import { openAsBlob } from 'node:fs';
import { mkdir, open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { RunOptions } from '../contract/calls';
import type { RunConfig } from '../contract/config';
import type { RunResult } from '../contract/events';
import type { Methods } from '../contract/methods/method';
import { type SavedRun, savedRunSchemaOf } from '../contract/saved-run';
import { pathsOf, valueAt } from '../contract/settings';
import { readRunBundle } from '../engine/session/exports/read-bundle';
import { readSnapshot } from '../engine/session/runs/snapshot-file';
import { listed, quote } from '../text/quote';

/**
 * Runs stored in a folder, as the page stores them in the browser: `--keep` writes it, `--resume` continues
 * training from it.
 */

/** The run's latest snapshot. */
const SNAPSHOT = 'snapshot.safetensors';
/** Its result, once there is one. */
const RUN = 'run.json';

/** Whether a path is a run bundle rather than a folder. */
export const isBundlePath = (path: string): boolean => /\.zip$/i.test(path);

/** Writes snapshots into the folder: under a temporary name, flushed to disk, then renamed over the previous one. */
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

/** Whether a run is stored in the folder. */
export const isKept = (folder: string): Promise<boolean> =>
  stat(join(folder, SNAPSHOT)).then(
    () => true,
    () => false,
  );

/** A new run must not replace one that is there. @throws an error that says what to do */
export async function refuseKept(folder: string): Promise<void> {
  if (await isKept(folder))
    throw new Error(
      `--keep ${quote(folder)}: a run is already kept there; continue it with --resume ${quote(folder)}, or choose another folder`,
    );
}

/** A stored run: its file, and the configuration it was started with. */
export interface KeptRun {
  readonly file: Uint8Array<ArrayBuffer>;
  readonly config: RunConfig;
  readonly step: number;
  readonly run: SavedRun;
}

/** Stores the result of a run beside its last snapshot. @param id of the run; by default a new one */
export async function keepResult(
  folder: string,
  result: RunResult,
  methods: Methods,
  id = new Date().toISOString(),
): Promise<void> {
  const { student: _, ...row } = result;
  const read = await keptIn(folder, methods);
  const run: SavedRun = { ...read.run, id, result: row };
  const { series: _series, ...kept } = savedRunSchemaOf(methods).parse(run);
  await writeFile(join(folder, RUN), `${JSON.stringify(kept, null, 2)}\n`);
}

/** @param path a folder that --keep wrote, or a run bundle  @throws an error naming it, or what is wrong with the file */
export async function keptIn(path: string, methods: Methods, option = 'resume'): Promise<KeptRun> {
  const none = (error: Error) =>
    new Error(`--${option} ${quote(path)}: no run is kept there (${error.message})`);
  if (isBundlePath(path)) {
    const data = await openAsBlob(path).catch((error: Error) => {
      throw none(error);
    });
    const { run, student: file, step } = await readRunBundle({ name: basename(path), data }, methods);
    return { file, config: run.config, step, run };
  }
  const file = await readFile(join(path, SNAPSHOT)).catch((error: Error) => {
    throw none(error);
  });
  const bare = await keptBy(new Uint8Array(file), methods);
  return { ...bare, run: await rowIn(path, methods, bare) };
}

/**
 * A run according to its snapshot, without a result. @throws FileError if the file is damaged, or not a
 * snapshot
 */
export async function keptBy(file: KeptRun['file'], methods: Methods): Promise<KeptRun> {
  const { header, series } = await readSnapshot(file, methods);
  const { config, savedAt, step } = header;
  const run: SavedRun = { id: new Date(savedAt).toISOString(), savedAt, config, result: null, series };
  return { file, config, step, run };
}

/** What `keepResult` wrote, if anything, without its result if the run has continued since. */
async function rowIn(folder: string, methods: Methods, { run: bare, step }: KeptRun): Promise<SavedRun> {
  const path = join(folder, RUN);
  try {
    const text = await readFile(path, 'utf8');
    const row = savedRunSchemaOf(methods).parse({ ...JSON.parse(text), series: bare.series });
    return { ...row, result: row.result?.steps === step ? row.result : null };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return bare;
    throw new Error(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * A run continues as it was started: `--config`, `--preset` and `--set` must ask for the same.
 * @throws an error naming the settings that differ
 */
export function checkAsked(asked: RunConfig, kept: RunConfig, option = 'resume'): void {
  const differ = [...new Set([...pathsOf(asked), ...pathsOf(kept)])]
    .map((path) => ({ path, was: valueAt(kept, path), now: valueAt(asked, path) }))
    .filter(({ was, now }) => JSON.stringify(was) !== JSON.stringify(now))
    .map(({ path, was, now }) => `${path} is ${quote(was)}, not ${quote(now)}`);
  if (differ.length > 0)
    throw new Error(
      `--${option}: the run was started with other settings: ${listed(differ, 6)}; leave the settings out, or start a new run`,
    );
}
