/** A checkpoint's files as chosen by the user: by name, read completely, hashed. */
import type { CallOptions } from '../../../contract/calls';
import { isOnnxFile, looksLikeWeights, numberedTwin, SMALL_FILES } from '../../../contract/checkpoint-files';
import type { ModelReport } from '../../../contract/events';
import type { NamedFile } from '../../../contract/lens';
import { MODULES_FILE, STUDENT_FILE } from '../../../contract/model-files';
import { listed } from '../../../text/quote';
import { FileError, MemoryError, throwIfCancelled } from '../../base/errors';
import { Sha256, sha256Hex } from '../../base/sha256';
import { parseJson, quote } from '../../checkpoint/json';
import type { TensorLocation } from '../../checkpoint/locate';
import { type ByteSource, blobSource, memorySource, type ReadBlob } from '../../checkpoint/source';
import { readEntry, readZip } from '../../checkpoint/zip';

export const CANCELLED = 'opening the checkpoint';
/** Maximum size of a JSON file, which is read at once. */
const MAX_JSON_BYTES = 128 * 2 ** 20;

export async function hashOf(files: readonly Uint8Array<ArrayBuffer>[]): Promise<string> {
  if (files.length === 1) return sha256Hex(files[0] as Uint8Array<ArrayBuffer>);
  const sha = new Sha256();
  for (const bytes of files) sha.update(bytes);
  return sha.hex();
}

export async function readAll(blob: Blob, name: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await blobSource(blob).read(0, blob.size);
  } catch (cause) {
    if (cause instanceof FileError) throw cause;
    if (cause instanceof RangeError)
      throw new MemoryError(
        `${name} takes ${blob.size} bytes of host memory`,
        'Choose a smaller checkpoint.',
        { cause },
      );
    throw new FileError(`${name} could not be read (${(cause as Error).message})`, 'Choose it again.', {
      cause,
    });
  }
}

/** Bytes per sample, and number of samples, that a fingerprint reads of a file. */
const SAMPLE_BYTES = 4096;
const SAMPLES = 64;

/**
 * SHA-256 of the sizes of the files and of samples spread evenly over each, the first of which is the
 * beginning of its header: it tells apart checkpoints of the same shape without reading them completely.
 */
export async function fingerprint(
  blobs: Iterable<Blob>,
  { signal, report: tell }: CallOptions,
): Promise<string> {
  const start = performance.now();
  const files = [...blobs];
  const total = files.reduce((n, { size }) => n + size, 0);
  const parts: string[] = [];
  let done = 0;
  for (const blob of files) {
    throwIfCancelled(signal, CANCELLED);
    const source = blobSource(blob);
    const length = Math.min(SAMPLE_BYTES, blob.size);
    const sample = new Uint8Array(SAMPLES * length);
    for (let i = 0; i < SAMPLES; i++)
      sample.set(
        await source.read(Math.floor(((blob.size - length) * i) / (SAMPLES - 1)), length),
        i * length,
      );
    parts.push(`${blob.size} ${await sha256Hex(sample)}`);
    done += blob.size;
    tell?.({ phase: 'load', done, total, unit: 'bytes', elapsed: performance.now() - start });
  }
  return sha256Hex(encode(parts.join('\n')));
}

const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** The last component of a path, ignoring a trailing separator. */
export const lastPart = (path: string): string =>
  path
    .replace(/[/\\]+$/, '')
    .split(/[/\\]/)
    .at(-1) as string;

/** Files by name, without folders. */
export function namedFiles(files: readonly NamedFile[]): Map<string, Blob> {
  const byName = new Map<string, Blob>();
  for (const { name, data } of files) {
    const plain = lastPart(name);
    if (byName.has(plain))
      throw new FileError(`there are two files ${quote(plain)}`, 'Choose the files of a single checkpoint.');
    byName.set(plain, data);
  }
  return byName;
}

export function fileOf(byName: ReadonlyMap<string, Blob>, name: string): Blob {
  const blob = byName.get(name);
  if (!blob) throw missing(name, byName);
  return blob;
}

export function missing(name: string, byName: ReadonlyMap<string, Blob>): FileError {
  const twin = numberedTwin(name, [...byName.keys()]);
  if (twin !== undefined)
    return new FileError(
      `${name} is missing; ${quote(twin)} looks like it, renamed by a browser that already had a file of that name`,
      `Rename it to ${name}.`,
    );
  return new FileError(
    `${name} is missing; given: ${byName.size === 0 ? 'nothing' : listed([...byName.keys()].map(quote), 12)}`,
    `Choose ${name} of the checkpoint together with its other files.`,
  );
}

export async function json(byName: ReadonlyMap<string, Blob>, name: string): Promise<unknown> {
  const blob = fileOf(byName, name);
  if (blob.size > MAX_JSON_BYTES)
    throw new FileError(
      `${name} has ${blob.size} bytes; at most ${MAX_JSON_BYTES} are read`,
      'Choose the file of that name that belongs to the checkpoint.',
    );
  return parseJson(new Uint8Array(await blob.arrayBuffer()), name);
}

/** The tensors that are used, by what they are used as. */
export function matchedList(
  tensors: ReadonlyMap<string, TensorLocation>,
): NonNullable<ModelReport['matched']> {
  const list = [...tensors].map(
    ([
      as,
      {
        file,
        entry: { name, dtype, shape },
      },
    ]) => ({
      ...{ file, name, as, dtype, shape },
    }),
  );
  const bytes = [...tensors.values()].reduce((n, { entry }) => n + entry.end - entry.begin, 0);
  return { tensors: list.length, bytes, list };
}

/**
 * What is said of files with weights that are not read.
 * @param told files that are read, or of which something else is said
 * @param instead what is read: "the weights are in safetensors"
 */
export function notesOnUnread(
  names: readonly string[],
  told: Iterable<string>,
  instead: string,
): readonly string[] {
  const known = new Set([...told, MODULES_FILE]);
  const unread = names.filter((name) => looksLikeWeights(name) && !known.has(name));
  const of = (some: readonly string[], how: string): string[] =>
    some.length === 0
      ? []
      : [
          `${some.map(quote).join(', ')} ${some.length === 1 ? 'is' : 'are'} not read: ${instead}. To open ${some.length === 1 ? 'it' : 'them'} instead, choose ${how}.`,
        ];
  return [
    ...of(unread.filter(isOnnxFile), 'the ONNX export with config.json and tokenizer.json only'),
    ...of(
      unread.filter((name) => !isOnnxFile(name)),
      'the folder’s files without the others that hold weights',
    ),
    ...notesOnModules(names),
  ];
}

/** A student's modules are of use only to who knows how it reasons. */
export const notesOnModules = (names: readonly string[]): readonly string[] =>
  names.includes(MODULES_FILE) && !names.includes(STUDENT_FILE)
    ? [
        `"${MODULES_FILE}" is not read: it holds what a student makes its thoughts with, and ${STUDENT_FILE}, which says how, is missing.`,
      ]
    : [];

/** The folder that the files came from; empty if they came from none, or from several. */
export function folderOf(files: readonly NamedFile[]): string {
  const [first = '', ...others] = new Set(files.map(({ folder = '' }) => folder.trim()));
  return others.length === 0 ? first : '';
}

/** The weights' files in host memory, and their SHA-256; of shards, concatenated in the order of their names. */
export async function readWhole(
  blobs: ReadonlyMap<string, Blob>,
  total: number,
  { signal, report: tell }: CallOptions,
): Promise<{ readonly sources: ReadonlyMap<string, ByteSource>; readonly sha256: string }> {
  const start = performance.now();
  const sources = new Map<string, ByteSource>();
  const files: Uint8Array<ArrayBuffer>[] = [];
  let done = 0;
  const progress = (): void =>
    tell?.({ phase: 'load', done, total, unit: 'bytes', elapsed: performance.now() - start });
  progress();
  for (const [name, blob] of blobs) {
    throwIfCancelled(signal, CANCELLED);
    const bytes = await readAll(blob, name);
    files.push(bytes);
    sources.set(name, memorySource(bytes.buffer));
    done += blob.size;
    progress();
  }
  throwIfCancelled(signal, CANCELLED);
  return { sources, sha256: await hashOf(files) };
}

export const smallFilesOf = (byName: ReadonlyMap<string, Blob>): ReadonlyMap<string, Blob> =>
  new Map([...byName].filter(([name]) => (SMALL_FILES as readonly string[]).includes(name)));

/** Byte sources for the files; nothing is read before it is requested. */
export const sourcesOf = (
  blobs: ReadonlyMap<string, Blob>,
  readBlob: ReadBlob | undefined,
): ReadonlyMap<string, ByteSource> =>
  new Map([...blobs].map(([name, blob]) => [name, blobSource(blob, readBlob)]));

/** Most bytes of a compressed file in an archive; stored ones are read in place. */
const MAX_INFLATED = 256 * 2 ** 20;

/**
 * The files with archives (.zip) unpacked, each as a folder of its name. Uncompressed entries are read in
 * place.
 * @throws FileError for damaged archives, and for compressed files that are too large
 */
export async function unpacked(files: readonly NamedFile[]): Promise<readonly NamedFile[]> {
  const found: NamedFile[] = [];
  for (const file of files) {
    if (!/\.zip$/i.test(file.name)) {
      found.push(file);
      continue;
    }
    const source = blobSource(file.data);
    for (const entry of (await readZip(source, file.name)).values()) {
      const { name, method, begin, stored } = entry;
      // What macOS adds to archives.
      if (/(^|\/)(__MACOSX\/|\._|\.DS_Store$)/.test(name)) continue;
      const data =
        method === 0
          ? file.data.slice(begin, begin + stored)
          : new Blob([await readEntry(source, entry, MAX_INFLATED)]);
      found.push({ name, data, folder: file.name.replace(/^.*[/\\]|\.zip$/gi, '') });
    }
  }
  return found;
}
