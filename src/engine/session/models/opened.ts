import type { CallOptions } from '../../../contract/calls';
import {
  INDEX,
  numberedTwin,
  recogniseQuantised,
  recogniseTokenizer,
  recogniseWeights,
  type WrongFiles,
} from '../../../contract/checkpoint-files';
import type { ModelReport } from '../../../contract/events';
import type { NamedFile } from '../../../contract/lens';
import { listed } from '../../../text/quote';
import { ConfigError, FileError, MemoryError, throwIfCancelled } from '../../base/errors';
import { Sha256, sha256Hex } from '../../base/sha256';
import { type ModelConfig, parseModelConfig } from '../../checkpoint/config';
import { isJsonObject, own, parseJson, quote } from '../../checkpoint/json';
import { refuseAdapter } from '../../checkpoint/leftovers';
import { resolveCheckpoint } from '../../checkpoint/load';
import { parseIndex } from '../../checkpoint/locate';
import { type ByteSource, blobSource, memorySource, type ReadBlob } from '../../checkpoint/source';
import { StoredWeights } from '../../checkpoint/stored-weights';
import { packedSource } from '../../nn/weight-source';
import { expectedTensors } from '../../nn/weights';
import { GENERATION_CONFIG, withGenerationEnds } from './generation-config';
import { onnxFilesOf, openOnnx } from './onnx-open';
import { describeModel, endIdsOf } from './pair';
import type { OpenedModel } from './subjects';
import { openTokenizer } from './tokenizer-files';

/** Limit on a JSON file, which is read as a whole. */
const MAX_JSON_BYTES = 128 * 2 ** 20;
/** Weights up to this size are read, hashed and checked at opening, and stay in host memory. */
const MAX_WHOLE_BYTES = 64 * 2 ** 20;

export interface OpenOptions extends CallOptions {
  /** Without it, weights of any size are read whole. */
  readonly readBlob?: ReadBlob;
  /** Default `MAX_WHOLE_BYTES`. */
  readonly maxWholeBytes?: number;
}

const CANCELLED = 'opening the checkpoint';

/**
 * Opens a checkpoint from its files: config.json, tokenizer.json, model.safetensors or shards with their index (f32, f16
 * or bf16), and tokenizer_config.json, chat_template.jinja and
 * generation_config.json (its end tokens) if there are any. Other files are ignored. Without
 * safetensors, an ONNX export is opened instead, see `openOnnx`.
 *
 * Of large weights only the headers and a sample are read, to check them against config.json, and a head that config.json
 * ties to the embedding, to compare the two; values are read tensor by
 * tensor whenever the device needs them, and NaN and infinities are found then.
 * @throws FileError naming the file that is missing or damaged, ConfigError for an unsupported architecture or a
 *   tokenizer from another model, NumericError for weights that are not finite, CancelledError
 */
export async function openModel(
  files: readonly NamedFile[],
  options: OpenOptions = {},
): Promise<OpenedModel> {
  const { signal, readBlob, maxWholeBytes = MAX_WHOLE_BYTES } = options;
  throwIfCancelled(signal, CANCELLED);
  const byName = namedFiles(files);
  refuse(recogniseWeights([...byName.keys()]));
  refuseAdapter(byName.keys());
  const exports = onnxFilesOf(byName);
  if (exports.length > 0)
    return openOnnx(
      exports,
      {
        byName,
        json: (name) => json(byName, name),
        source: (blob) => blobSource(blob, readBlob),
        fingerprint: (blobs) => fingerprint(blobs, { signal }),
      },
      options,
    );
  const config = await json(byName, 'config.json');
  refuse(recogniseQuantised(config), ConfigError);
  refuse(recogniseTokenizer([...byName.keys()]));
  const model = parseModelConfig(config);
  const index = byName.has(INDEX) ? await json(byName, INDEX) : undefined;
  const blobs = weightFiles(byName, index);
  const bytes = [...blobs.values()].reduce((n, { size }) => n + size, 0);
  const whole = readBlob === undefined || bytes <= maxWholeBytes;
  // Everything that can be refused by the headers is refused before the weights are read.
  const resolved = await resolve(config, index, blobs, (blob) => blobSource(blob, readBlob), signal);
  const { tokenizer, notes: missing } = await openTokenizer(byName, (name) => json(byName, name), model);
  throwIfCancelled(signal, CANCELLED);

  const { tensors, sha256 } = whole
    ? await readWhole(config, index, blobs, bytes, options)
    : { tensors: resolved.tensors, sha256: await fingerprint(blobs.values(), options) };
  const stored = new StoredWeights(tensors);
  if (whole)
    for (const name of tensors.keys()) {
      throwIfCancelled(signal, CANCELLED);
      stored.read(name);
    }
  const ends = withGenerationEnds(
    endIdsOf(model, tokenizer),
    byName.has(GENERATION_CONFIG) ? await json(byName, GENERATION_CONFIG) : undefined,
    model.vocabSize,
  );
  const notes = [...missing, ...resolved.notes, ...ends.notes];
  return {
    tokenizer,
    model: {
      config: model,
      endIds: ends.endIds,
      weights: packedSource(model, stored),
      report: report(config, model, {
        ...{ bytes, sha256, whole, notes, folder: folderOf(files) },
        matched: { tensors: resolved.tensors.size, bytes: resolved.bytes },
      }),
    },
  };
}

const resolve = (
  config: unknown,
  index: unknown,
  blobs: ReadonlyMap<string, Blob>,
  sourceOf: (blob: Blob, name: string) => ByteSource,
  signal: AbortSignal | undefined,
) =>
  resolveCheckpoint(
    { config, index, weights: new Map([...blobs].map(([name, blob]) => [name, sourceOf(blob, name)])) },
    expectedTensors,
    signal,
  );

/** The weights in host memory, and the SHA-256 of the file; of shards, concatenated in the order of their names. */
async function readWhole(
  config: unknown,
  index: unknown,
  blobs: ReadonlyMap<string, Blob>,
  total: number,
  { signal, report: tell }: OpenOptions,
) {
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
  const { tensors } = await resolve(
    config,
    index,
    blobs,
    (_, name) => sources.get(name) as ByteSource,
    signal,
  );
  return { tensors, sha256: await hashOf(files) };
}

async function hashOf(files: readonly Uint8Array<ArrayBuffer>[]): Promise<string> {
  if (files.length === 1) return sha256Hex(files[0] as Uint8Array<ArrayBuffer>);
  const sha = new Sha256();
  for (const bytes of files) sha.update(bytes);
  return sha.hex();
}

async function readAll(blob: Blob, name: string): Promise<Uint8Array<ArrayBuffer>> {
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

/** Bytes and number of the places that a fingerprint reads of a file. */
const SAMPLE_BYTES = 4096;
const SAMPLES = 64;

/**
 * SHA-256 of the sizes of the files and of samples spread evenly over each, the first of which is the beginning of its
 * header: it tells checkpoints of one shape from each other without reading all of them.
 */
async function fingerprint(blobs: Iterable<Blob>, { signal, report: tell }: OpenOptions): Promise<string> {
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

/** Files by name, without folders. */
function namedFiles(files: readonly NamedFile[]): Map<string, Blob> {
  const byName = new Map<string, Blob>();
  for (const { name, data } of files) {
    const plain = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);
    if (byName.has(plain))
      throw new FileError(`there are two files ${quote(plain)}`, 'Choose the files of a single checkpoint.');
    byName.set(plain, data);
  }
  return byName;
}

/** The weights' files, in the order of their names. */
function weightFiles(byName: ReadonlyMap<string, Blob>, index: unknown): Map<string, Blob> {
  const named = index === undefined ? undefined : new Set(parseIndex(index).values());
  const names = [...(named ?? [...byName.keys()].filter((name) => name.endsWith('.safetensors')))].sort();
  if (names.length === 0) throw missing('model.safetensors', byName);
  return new Map(names.map((name) => [name, fileOf(byName, name)]));
}

function fileOf(byName: ReadonlyMap<string, Blob>, name: string): Blob {
  const blob = byName.get(name);
  if (!blob) throw missing(name, byName);
  return blob;
}

/** Files that people have instead of a checkpoint's, each named for what it is. */
function refuse(wrong: WrongFiles | null, Refusal: typeof FileError | typeof ConfigError = FileError): void {
  if (wrong !== null) throw new Refusal(wrong.what, wrong.hint);
}

function missing(name: string, byName: ReadonlyMap<string, Blob>): FileError {
  const twin = numberedTwin(name, [...byName.keys()]);
  if (twin !== undefined)
    return new FileError(
      `${name} is missing; ${quote(twin)} looks like it, numbered by a browser that had one of that name`,
      `Rename it to ${name}.`,
    );
  return new FileError(
    `${name} is missing; given: ${byName.size === 0 ? 'nothing' : listed([...byName.keys()].map(quote), 12)}`,
    `Choose ${name} of the checkpoint together with its other files.`,
  );
}

async function json(byName: ReadonlyMap<string, Blob>, name: string): Promise<unknown> {
  const blob = fileOf(byName, name);
  if (blob.size > MAX_JSON_BYTES)
    throw new FileError(
      `${name} has ${blob.size} bytes; at most ${MAX_JSON_BYTES} are read`,
      'Choose the file of that name that belongs to the checkpoint.',
    );
  return parseJson(new Uint8Array(await blob.arrayBuffer()), name);
}

/**
 * What a config.json (parsed) says, before any weights are there.
 * @throws ConfigError where such a model cannot be opened
 */
export function describeConfig(config: unknown): ModelReport {
  refuse(recogniseQuantised(config), ConfigError);
  const model = parseModelConfig(config);
  return report(config, model, { bytes: 0, sha256: '', whole: true, notes: model.notes });
}

interface Facts {
  readonly bytes: number;
  readonly sha256: string;
  /** Whether the hash is of all bytes. */
  readonly whole: boolean;
  readonly matched?: ModelReport['matched'];
  readonly notes: readonly string[];
  readonly folder?: string;
}

/** Longest name of a model. */
const NAME = 100;

/** The folder that the files came from; empty where they came from none, or from several. */
function folderOf(files: readonly NamedFile[]): string {
  const [first = '', ...others] = new Set(files.map(({ folder = '' }) => folder.trim()));
  return others.length === 0 ? first : '';
}

/** Named by its config.json, else by its folder, else by its hash. */
function report(config: unknown, model: ModelConfig, { whole, folder = '', ...facts }: Facts): ModelReport {
  const path = isJsonObject(config) ? own(config, '_name_or_path') : undefined;
  const named = typeof path === 'string' && path.trim() !== '' ? path.trim() : folder;
  const name = named === '' ? `checkpoint ${facts.sha256.slice(0, 8)}` : named.slice(0, NAME);
  const origin = { ...facts, name, role: 'opened', licence: 'unknown', measured: [] } as const;
  return { ...describeModel(origin, model), ...(!whole && { sampled: true }) };
}
