import { existsSync, openAsBlob, openSync, readSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SMALL_FILES } from '../contract/checkpoint-files';
import type { RunConfig } from '../contract/config';
import type { ModelReport, StudentReport } from '../contract/events';
import { type NamedFile, SECTIONS, type Section, type Selection, type Subject } from '../contract/lens';
import { WEIGHT_STORAGES } from '../contract/weight-storage';
import type { LoriWorkbench } from '../engine/session/workbench';
import type { CommandInput } from './command';
import type { KeptRun } from './keep';
import type { OpenArguments, SubjectArguments } from './options';

/** A subject, and sections, as an argument: `teacher`, `student@50:latent`, `opened:question,answer`. */
export interface SubjectOption {
  readonly kind: Subject['kind'];
  /** For a student, the step of the checkpoint. */
  readonly step?: number;
  readonly sections: readonly Section[];
}

const KINDS: readonly Subject['kind'][] = ['teacher', 'base', 'student', 'opened'];

/** @throws an error that says what was expected */
export function parseSubject(text: string, ofTexts: boolean): SubjectOption {
  const [, kind, step, sections] = /^([a-z]+)(?:@(\d{1,9}))?(?::([a-z,]+))?$/.exec(text) ?? [];
  const wanted = sections?.split(',') ?? [ofTexts ? 'text' : kind === 'student' ? 'latent' : 'rationale'];
  if (
    !KINDS.some((known) => known === kind) ||
    !wanted.every((section) => SECTIONS.some((known) => known === section)) ||
    (step !== undefined && kind !== 'student')
  )
    throw new Error(
      `--subject ${JSON.stringify(text)}; expected ${KINDS.join(', ')} (student@step for a checkpoint), optionally followed by a colon and sections from ${SECTIONS.join(', ')}`,
    );
  return {
    kind: kind as Subject['kind'],
    ...(step !== undefined && { step: Number(step) }),
    sections: wanted as Section[],
  };
}

/**
 * The subject of a command that takes only one; by default the opened checkpoint, or else the teacher.
 * @throws an error if several are given
 */
export function oneSubject(
  { subject, open, adapter }: Pick<SubjectArguments, 'subject' | 'open' | 'adapter'>,
  ofTexts: boolean,
): SubjectOption {
  const isOpened = (open ?? adapter) !== undefined;
  const [text = isOpened ? 'opened' : 'teacher', ...others] = subject;
  if (others.length > 0) throw new Error(`--subject is given ${subject.length} times; one is expected`);
  const parsed = parseSubject(text, ofTexts);
  if (parsed.kind === 'opened' && !isOpened)
    throw new Error('--subject opened; give the folder of a checkpoint by --open');
  return parsed;
}

/** Opens the student of a stored run, and says how its model differs from the run's. */
export async function openKept(
  workbench: Pick<LoriWorkbench, 'openStudent'>,
  { file }: KeptRun,
  say: CommandInput['say'],
): Promise<StudentReport> {
  const report = await workbench.openStudent(file);
  if (report.note) say(report.note);
  return report;
}

/**
 * Provides what the subjects need: if one is a student, that of the stored run, or else a newly trained one.
 * @returns the subjects for a request
 */
export async function selectionsOf(
  workbench: LoriWorkbench,
  subjects: readonly SubjectOption[],
  config: RunConfig,
  { onEvent, kept: given, say }: Pick<CommandInput, 'onEvent' | 'kept' | 'say'>,
): Promise<Selection[]> {
  if (subjects.some(({ kind }) => kind === 'student'))
    await (given ? openKept(workbench, given, say) : workbench.distil(config, { report: onEvent }));
  const kept = await workbench.checkpoints();
  return subjects.map(({ kind, step, sections }) => {
    if (kind !== 'student' || step === undefined) return { subject: { kind }, sections };
    const found = kept.find((checkpoint) => checkpoint.step === step);
    if (!found)
      throw new Error(
        `--subject student@${step}; there are checkpoints of the steps ${kept.map((c) => c.step).join(', ') || '(none: set observation.every)'}`,
      );
    return { subject: { kind, checkpoint: found.id }, sections };
  });
}

/**
 * The files of a checkpoint's folder. Without safetensors, those of an ONNX export, which transformers.js
 * keeps in the folder onnx/; one of several can be given by its own path. @throws an error if there is no
 * such folder
 */
export async function checkpointFiles(path: string): Promise<NamedFile[]> {
  if (path.endsWith('.zip')) return named([path]);
  const isExport = path.endsWith('.onnx');
  const folder = isExport ? dirname(path) : path;
  const here = await namesIn(folder, path);
  if (isExport) {
    const above = here.includes('config.json')
      ? []
      : SMALL_FILES.filter((name) => !here.includes(name)).map((name) => join(dirname(folder), name));
    const beside = here.filter((name) => DATA.test(name) || /\.(json|jinja)$/.test(name));
    const small = above.filter((name) => existsSync(name));
    return named([path, ...beside.map((name) => join(folder, name)), ...small]);
  }
  const wanted = here.filter((name) => WANTED.test(name) || DATA.test(name));
  const hasWeights = wanted.some((name) => /\.(safetensors|onnx)$/.test(name));
  const below = !hasWeights && here.includes('onnx') ? await namesIn(join(folder, 'onnx'), path) : [];
  const exports = below.filter((name) => name.endsWith('.onnx') || DATA.test(name));
  return named([...wanted, ...exports.map((name) => join('onnx', name))].map((name) => join(folder, name)));
}

/** Opens the given checkpoint, if any, with its adapter, and prints the notes of its report. */
export async function openGiven(
  workbench: LoriWorkbench,
  { open, adapter, storage }: OpenArguments,
  say: (line: string) => void,
): Promise<ModelReport | undefined> {
  if (open === undefined && adapter === undefined) return undefined;
  const known = WEIGHT_STORAGES.find((one) => one === storage);
  if (storage !== undefined && known === undefined)
    throw new Error(
      `--storage ${JSON.stringify(storage)}; expected ${WEIGHT_STORAGES.slice(0, -1).join(', ')} or ${WEIGHT_STORAGES.at(-1)}`,
    );
  const base = open === undefined ? [] : await checkpointFiles(open);
  const own = adapter === undefined ? [] : await checkpointFiles(adapter);
  const report = await workbench.openCheckpoint([
    ...base,
    ...own.map((file) => ({ ...file, folder: `adapter ${basename(adapter ?? '')}` })),
  ]);
  for (const note of report.notes ?? []) say(`note: ${note}`);
  return known === undefined ? report : workbench.storeWeights(known);
}

/** Files that a checkpoint needs, and files that users have instead, which are refused by name. */
const WANTED =
  /\.(safetensors|json|jinja|onnx|model|txt|bin|pt|pth|ckpt|gguf|h5|msgpack|npz)$|^checkpoint[_-]\w+$/i;
/** Files that hold an export's weights. */
const DATA = /\.onnx[._]data(_\d+)?$/;

async function namesIn(folder: string, asked: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    throw new Error(`${JSON.stringify(asked)} cannot be opened: ${(error as Error).message}`);
  }
}

const named = (paths: readonly string[]): Promise<NamedFile[]> =>
  Promise.all(
    paths.map(async (path) => {
      const data = await openAsBlob(path);
      PATHS.set(data, path);
      return { name: basename(path), data };
    }),
  );

/** Paths of the Blobs of `checkpointFiles`, and their descriptors once they are read. */
const PATHS = new WeakMap<Blob, string>();
const DESCRIPTORS = new WeakMap<Blob, number>();

/** Reads part of a file of `checkpointFiles` synchronously. */
export function readBlob(blob: Blob, from: number, to: number): ArrayBuffer {
  let descriptor = DESCRIPTORS.get(blob);
  if (descriptor === undefined) {
    const path = PATHS.get(blob);
    if (path === undefined) throw new Error('not a file that was opened here');
    descriptor = openSync(path, 'r');
    DESCRIPTORS.set(blob, descriptor);
  }
  const bytes = new Uint8Array(to - from);
  for (let at = 0; at < bytes.length; ) {
    const read = readSync(descriptor, bytes, at, Math.min(bytes.length - at, 2 ** 30), from + at);
    if (read === 0) return bytes.buffer.slice(0, at);
    at += read;
  }
  return bytes.buffer;
}
