import type { CallOptions } from '../../../contract/calls';
import {
  INDEX,
  recogniseQuantised,
  recogniseTokenizer,
  recogniseWeights,
  type WrongFiles,
} from '../../../contract/checkpoint-files';
import type { ModelReport } from '../../../contract/events';
import type { NamedFile } from '../../../contract/lens';
import { ConfigError, FileError, throwIfCancelled } from '../../base/errors';
import { type ModelConfig, parseModelConfig } from '../../checkpoint/config';
import { resolveCheckpoint } from '../../checkpoint/load';
import { parseIndex } from '../../checkpoint/locate';
import { type ByteSource, blobSource, memorySource, type ReadBlob } from '../../checkpoint/source';
import { StoredWeights } from '../../checkpoint/stored-weights';
import { packedSource } from '../../nn/weight-source';
import { expectedTensors } from '../../nn/weights';
import { baseIsMissing, readAdapter, splitAdapter, withAdapter } from './adapter-open';
import {
  CANCELLED,
  fileOf,
  fingerprint,
  folderOf,
  hashOf,
  json,
  missing,
  namedFiles,
  readAll,
} from './chosen-files';
import { GENERATION_CONFIG, withGenerationEnds } from './generation-config';
import { nameOf } from './model-name';
import { onnxFilesOf, openOnnx } from './onnx-open';
import { describeModel, endIdsOf } from './pair';
import type { OpenedModel } from './subjects';
import { openTokenizer } from './tokenizer-files';

/** Weights up to this size are read, hashed and checked at opening, and stay in host memory. */
const MAX_WHOLE_BYTES = 64 * 2 ** 20;

export interface OpenOptions extends CallOptions {
  /** Without it, weights of any size are read whole. */
  readonly readBlob?: ReadBlob;
  /** Default `MAX_WHOLE_BYTES`. */
  readonly maxWholeBytes?: number;
  /** For an adapter that comes without its base: the model that is open, and others that it may name as its base. */
  readonly bases?: { readonly opened: OpenedModel | undefined; readonly others: readonly OpenedModel[] };
}

/**
 * Opens a checkpoint from its files: config.json, tokenizer.json, model.safetensors or shards with their index (f32, f16
 * or bf16), and tokenizer_config.json, chat_template.jinja and
 * generation_config.json (its end tokens) if there are any. Other files are ignored. Without
 * safetensors, an ONNX export is opened instead, see `openOnnx`. A PEFT adapter among the files is merged into them, or into
 * one of `bases` where it comes alone, see `withAdapter`.
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
  throwIfCancelled(options.signal, CANCELLED);
  const split = splitAdapter(files);
  if (!split) return openPlain(files, options);
  const adapter = await readAdapter(split.adapter);
  const base =
    split.base.length > 0
      ? await openPlain(split.base, options)
      : baseFor(adapter.config.baseName, options.bases);
  if (!base) throw baseIsMissing(adapter);
  const { opened } = options.bases ?? {};
  const onOpened = base === (opened?.base ?? opened);
  return withAdapter(base, adapter, { maxWholeBytes: MAX_WHOLE_BYTES, ...options, onOpened });
}

const lastPart = (name: string): string =>
  name
    .replace(/[/\\]+$/, '')
    .split(/[/\\]/)
    .at(-1) ?? name;

/** The base of this name, else the opened model; without an adapter that it may have. */
function baseFor(name: string | undefined, bases: OpenOptions['bases']): OpenedModel | undefined {
  const opened = bases?.opened && (bases.opened.base ?? bases.opened);
  const all = [...(opened ? [opened] : []), ...(bases?.others ?? [])];
  const named = name && all.find(({ model }) => lastPart(model.report.name) === lastPart(name));
  return named || opened;
}

/** A checkpoint without an adapter. */
async function openPlain(files: readonly NamedFile[], options: OpenOptions): Promise<OpenedModel> {
  const { signal, readBlob, maxWholeBytes = MAX_WHOLE_BYTES } = options;
  const byName = namedFiles(files);
  refuse(recogniseWeights([...byName.keys()]));
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

/** The weights' files, in the order of their names. */
function weightFiles(byName: ReadonlyMap<string, Blob>, index: unknown): Map<string, Blob> {
  const named = index === undefined ? undefined : new Set(parseIndex(index).values());
  const names = [...(named ?? [...byName.keys()].filter((name) => name.endsWith('.safetensors')))].sort();
  if (names.length === 0) throw missing('model.safetensors', byName);
  return new Map(names.map((name) => [name, fileOf(byName, name)]));
}

/** Files that people have instead of a checkpoint's, each named for what it is. */
function refuse(wrong: WrongFiles | null, Refusal: typeof FileError | typeof ConfigError = FileError): void {
  if (wrong !== null) throw new Refusal(wrong.what, wrong.hint);
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

/** Named by its config.json, else by its folder, else by its hash. */
function report(config: unknown, model: ModelConfig, { whole, folder = '', ...facts }: Facts): ModelReport {
  const name = nameOf(config, folder) || `checkpoint ${facts.sha256.slice(0, 8)}`;
  const origin = { ...facts, name, role: 'opened', licence: 'unknown', measured: [] } as const;
  return { ...describeModel(origin, model), ...(!whole && { sampled: true }) };
}
