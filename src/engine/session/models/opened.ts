import type { CallOptions } from '../../../contract/calls';
import type { ModelReport } from '../../../contract/events';
import type { NamedFile } from '../../../contract/lens';
import { listed } from '../../../text/quote';
import { FileError, MemoryError, throwIfCancelled } from '../../base/errors';
import { Sha256, sha256Hex } from '../../base/sha256';
import { type ModelConfig, parseModelConfig } from '../../checkpoint/config';
import { isJsonObject, own, parseJson, quote } from '../../checkpoint/json';
import { loadCheckpoint } from '../../checkpoint/load';
import { parseIndex } from '../../checkpoint/locate';
import { type ByteSource, blobSource } from '../../checkpoint/source';
import { expectedTensors, packWeights } from '../../nn/weights';
import { loadTokenizer } from '../../tokenizer/tokenizer';
import { onnxFilesOf, openOnnx } from './onnx-open';
import { describeModel, endIdsOf, parametersOf } from './pair';
import type { OpenedModel } from './subjects';
import { withinVocabulary } from './vocabulary';

/** Limit on the bytes of all files, and on the weights as f32, which every program works on. */
const MAX_OPENED_BYTES = 4 * 2 ** 30;
/** Limit on a JSON file, which is read as a whole. */
const MAX_JSON_BYTES = 128 * 2 ** 20;
/** Bytes read at a time for the hash; it can be cancelled between two reads. */
const CHUNK = 8 * 2 ** 20;
/** Weights up to this size are hashed by the browser, ten times faster, which needs all of them at once. */
const MAX_HASHED_WHOLE = 2 ** 30;

const INDEX = 'model.safetensors.index.json';
const CANCELLED = 'opening the checkpoint';

/**
 * Opens a LLaMA or Qwen2 checkpoint from its files: config.json, tokenizer.json, model.safetensors or shards with their
 * index (f32, f16 or bf16), and tokenizer_config.json if there is one. Other files are ignored. Everything that can be
 * refused is refused before the weights are read.
 * @throws FileError naming the file that is missing or damaged, ConfigError for an unsupported architecture or a
 *   tokenizer from another model, NumericError for weights that are not finite, MemoryError beyond `MAX_OPENED_BYTES`,
 *   CancelledError
 */
export async function openModel(
  files: readonly NamedFile[],
  options: CallOptions = {},
  maxBytes = MAX_OPENED_BYTES,
): Promise<OpenedModel> {
  const { signal } = options;
  throwIfCancelled(signal, CANCELLED);
  const byName = namedFiles(files);
  const total = [...byName.values()].reduce((n, { size }) => n + size, 0);
  checkSize('the files', total, maxBytes);
  const exports = onnxFilesOf(byName);
  if (exports.length > 0) {
    const hash = async (blobs: readonly Blob[]) => ({
      sha256: await new FileReading(Math.max(1, total), {}).hash(blobs),
      whole: true,
    });
    return openOnnx(
      exports,
      { byName, json: (name) => json(byName, name), source: blobSource, hash },
      options,
    );
  }
  const config = await json(byName, 'config.json');
  const model = parseModelConfig(config);
  checkSize('the weights, as f32,', 4 * parametersOf(model), maxBytes);
  const index = byName.has(INDEX) ? await json(byName, INDEX) : undefined;
  const weights = weightFiles(byName, index);
  const read = await loadTokenizer(
    await json(byName, 'tokenizer.json'),
    byName.has('tokenizer_config.json') ? await json(byName, 'tokenizer_config.json') : {},
  );
  const { tokenizer, notes: missing } = withinVocabulary(read, model);

  const bytes = [...weights.values()].reduce((n, { size }) => n + size, 0);
  const reading = new FileReading(bytes, options);
  const sha256 = await reading.hash(weights.values());
  const { weights: tensors, notes } = await loadCheckpoint(
    {
      config,
      weights: new Map([...weights].map(([name, blob]) => [name, reading.source(blobSource(blob))])),
      index,
    },
    expectedTensors,
  );
  throwIfCancelled(signal, CANCELLED);
  reading.end();
  return {
    tokenizer,
    model: {
      config: model,
      endIds: endIdsOf(model, tokenizer),
      weights: packWeights(model, tensors),
      report: report(config, model, bytes, sha256, [...missing, ...notes]),
    },
  };
}

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

function missing(name: string, byName: ReadonlyMap<string, Blob>): FileError {
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

function checkSize(what: string, bytes: number, maxBytes: number): void {
  if (bytes > maxBytes)
    throw new MemoryError(
      `${what} take ${bytes} bytes; at most ${maxBytes} can be opened`,
      `Choose a checkpoint of at most ${Math.floor(maxBytes / 4e6)} million parameters.`,
    );
}

/** The weights are read twice: as a whole for their hash, and tensor by tensor. Each counts as half of the progress. */
class FileReading {
  private read = 0;
  private readonly start = performance.now();

  constructor(
    private readonly bytes: number,
    private readonly options: CallOptions,
  ) {}

  /** SHA-256 of the file; of shards, concatenated in the order of their names. */
  async hash(files: Iterable<Blob>): Promise<string> {
    const whole =
      this.bytes <= MAX_HASHED_WHOLE && globalThis.crypto?.subtle ? new Uint8Array(this.bytes) : undefined;
    const sha = new Sha256();
    let done = 0;
    for (const blob of files) {
      const source = this.source(blobSource(blob));
      for (let at = 0; at < blob.size; at += CHUNK) {
        const bytes = await source.read(at, Math.min(CHUNK, blob.size - at));
        if (whole) whole.set(bytes, done);
        else sha.update(bytes);
        done += bytes.length;
      }
    }
    return whole ? sha256Hex(whole) : sha.hex();
  }

  source({ size, read }: ByteSource): ByteSource {
    return {
      size,
      read: async (offset, length) => {
        throwIfCancelled(this.options.signal, CANCELLED);
        const bytes = await read(offset, length);
        this.read += length;
        this.tell(Math.min(this.bytes, Math.floor(this.read / 2)));
        return bytes;
      },
    };
  }

  end(): void {
    this.tell(this.bytes);
  }

  private tell(done: number): void {
    const elapsed = performance.now() - this.start;
    this.options.report?.({ phase: 'load', done, total: this.bytes, unit: 'bytes', elapsed });
  }
}

function report(
  config: unknown,
  model: ModelConfig,
  bytes: number,
  sha256: string,
  notes: readonly string[],
): ModelReport {
  const path = isJsonObject(config) ? own(config, '_name_or_path') : undefined;
  const name =
    typeof path === 'string' && path.trim() !== ''
      ? path.trim().slice(0, 100)
      : `checkpoint ${sha256.slice(0, 8)}`;
  return describeModel(
    { name, role: 'opened', bytes, sha256, licence: 'unknown', measured: [], notes },
    model,
  );
}
