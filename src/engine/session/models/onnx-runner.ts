import { exportMemory, exportSentence, SMALLER_EXPORT } from '../../../contract/memory-export';
import { MemoryError, throwIfCancelled } from '../../base/errors';
import { widened } from '../../base/half';
import type { ByteSource } from '../../checkpoint/source';
import { FLOAT16 } from '../../onnx/read/elements';
import { OWN_FILE, tappedModel } from '../../onnx/read/tap';
import type { LateFile } from '../../runtime/late-file';
import type { FileTensor, ModelFile } from '../../runtime/model-file';
import type { Runtime } from '../../runtime/runtime';
import { verifyTaps } from './onnx-check';
import type { OnnxExport, OnnxIds } from './onnx-export';

/** Value of `num_logits_to_keep` for the logits of all positions. */
const ALL = 0;

/** B sequences of equal length, as read so far: keys and values, and the logits [V] at each one's last position. */
export interface OnnxState {
  /** [B, columns] */
  readonly rows: readonly (readonly number[])[];
  readonly logits: readonly Float32Array[];
  readonly cache: Readonly<Record<string, FileTensor>>;
  /** How many more tokens may be read, as memory allows. */
  readonly room: number;
  /** Does nothing: the state is in host memory. */
  dispose(): void;
}

/**
 * An ONNX export on the device, with its hidden states as outputs. Rows are right-padded: padding changes
 * nothing before it, so no mask is needed (`verifyTaps` checks that).
 */
export class OnnxRunner {
  private constructor(
    readonly runtime: Runtime,
    readonly file: OnnxExport,
    private readonly session: ModelFile,
  ) {}

  /**
   * Opens the export twice, without and with its hidden states as outputs, and compares the two.
   * @throws ConfigError if what was found in the graph is not the hidden states, RuntimeError, MemoryError, CancelledError
   */
  static async open(runtime: Runtime, file: OnnxExport, signal?: AbortSignal): Promise<OnnxRunner> {
    refuseTooLarge(runtime, file);
    const files = await lateFiles(file);
    const start = async (taps: readonly string[]): Promise<OnnxRunner> => {
      throwIfCancelled(signal, `opening ${file.name}`);
      const bytes = await tappedModel(file.model, taps);
      return new OnnxRunner(runtime, file, await runtime.openModelFile({ bytes, files, label: file.name }));
    };
    return verifyTaps(
      file,
      () => start([]),
      () => start(file.decoder.taps),
    );
  }

  /**
   * Hidden states [B, T, H] of the embedding and of every layer's output, the last one after the final norm:
   * L + 1 in all. With `logits`, also [B, T or 1, V], as the export gives them.
   */
  async states(fed: OnnxIds, { logits = false } = {}) {
    const { taps } = this.file.decoder;
    const out = await this.session.run(this.feeds(fed, 0, logits ? ALL : 1), [
      ...taps,
      ...(logits ? ['logits'] : []),
    ]);
    return {
      states: taps.map((tap) => asFloats(out[tap] as FileTensor)),
      shapes: taps.map((tap) => (out[tap] as FileTensor).shape),
      logits: out.logits && { shape: out.logits.shape, data: asFloats(out.logits) },
    };
  }

  /** Reads one sequence. */
  begin(ids: readonly number[]): Promise<OnnxState> {
    return this.read([ids], 0, {});
  }

  /** Copies the state of one sequence to B equal ones. */
  repeat({ rows, logits, cache, ...rest }: OnnxState, batch: number): OnnxState {
    const times = <T>([one]: readonly T[]): T[] => new Array<T>(batch).fill(one as T);
    const wide = Object.entries(cache).map(([name, tensor]) => [name, repeated(tensor, batch)] as const);
    return { ...rest, rows: times(rows), logits: times(logits), cache: Object.fromEntries(wide) };
  }

  /** The state after one more token per row. Without a cache in the export that can be fed back, everything is read again. */
  advance({ rows, cache }: OnnxState, tokens: readonly number[]): Promise<OnnxState> {
    const more = rows.map((row, b) => [...row, tokens[b] as number]);
    return this.cached
      ? this.read(more, (rows[0] as readonly number[]).length, cache)
      : this.read(more, 0, {});
  }

  /** Only the logits [B, T or 1, V] of a pass. */
  async logits(fed: OnnxIds): Promise<Float32Array> {
    return asFloats((await this.session.run(this.feeds(fed, 0, ALL), ['logits'])).logits as FileTensor);
  }

  dispose(): Promise<void> {
    return this.session.dispose();
  }

  private get cached(): boolean {
    return this.file.decoder.caches.every(({ past, goesBack }) => past !== undefined && goesBack);
  }

  /** Reads what comes after the first `past` columns, whose keys and values are in `cache`. */
  private async read(
    rows: readonly (readonly number[])[],
    past: number,
    cache: Readonly<Record<string, FileTensor>>,
  ): Promise<OnnxState> {
    const { caches } = this.file.decoder;
    const { vocabSize: V } = this.file.sizes;
    const batch = rows.length;
    const fresh = rows.map((row) => row.slice(past));
    const fed = { batch, columns: (fresh[0] as readonly number[]).length, ids: fresh.flat() };
    const made = this.cached ? caches.flatMap(({ present }) => [present.key, present.value]) : [];
    const out = await this.session.run(this.feeds(fed, past, 1, cache), ['logits', ...made]);
    const kept =
      made.length === 0
        ? []
        : caches.flatMap(({ past: read, present }) =>
            read
              ? [
                  [read.key.name, out[present.key] as FileTensor] as const,
                  [read.value.name, out[present.value] as FileTensor] as const,
                ]
              : [],
          );
    const all = asFloats(out.logits as FileTensor);
    const width = all.length / batch;
    const logits = rows.map((_, b) => all.slice((b + 1) * width - V, (b + 1) * width));
    return {
      rows,
      logits,
      cache: Object.fromEntries(kept),
      room: Number.POSITIVE_INFINITY,
      dispose: () => undefined,
    };
  }

  /**
   * Inputs for ids that come after `past` positions, whose keys and values are in `cache`. @param keep the
   * number of last positions to compute logits for, if the export has such an input
   */
  private feeds(
    { batch, columns, ids }: OnnxIds,
    past: number,
    keep: number,
    cache: Readonly<Record<string, FileTensor>> = {},
  ): Record<string, FileTensor> {
    const { inputs, caches } = this.file.decoder;
    const whole = (width: number, of: (i: number) => number): FileTensor => ({
      type: 'int64',
      shape: [batch, width],
      data: BigInt64Array.from({ length: batch * width }, (_, i) => BigInt(of(i))),
    });
    const feeds: Record<string, FileTensor> = { input_ids: whole(columns, (i) => ids[i] as number) };
    if (inputs.has('attention_mask')) feeds.attention_mask = whole(past + columns, () => 1);
    if (inputs.has('position_ids')) feeds.position_ids = whole(columns, (i) => past + (i % columns));
    if (inputs.has('num_logits_to_keep'))
      feeds.num_logits_to_keep = { type: 'int64', shape: [], data: BigInt64Array.of(BigInt(keep)) };
    for (const { past: read } of caches)
      for (const { name, element } of read ? [read.key, read.value] : [])
        feeds[name] = cache[name] ?? this.empty(batch, element);
    return feeds;
  }

  private empty(batch: number, element: number): FileTensor {
    const { kvHeads, headDim } = this.file.sizes;
    const shape = [batch, kvHeads, 0, headDim];
    return element === FLOAT16
      ? { type: 'float16', shape, data: new Uint16Array() }
      : { type: 'float32', shape, data: new Float32Array() };
  }
}

/** [1, …] → [B, …], repeated B times. */
function repeated({ type, shape, data }: FileTensor, batch: number): FileTensor {
  const Values = data.constructor as new (length: number) => Float32Array;
  const all = new Values(batch * data.length);
  for (let b = 0; b < batch; b++) all.set(data as Float32Array, b * data.length);
  return { type, shape: [batch, ...shape.slice(1)], data: all } as FileTensor;
}

function asFloats(tensor: FileTensor): Float32Array {
  if (tensor.type === 'float16') return widened(tensor.data, 'f16');
  return tensor.data as Float32Array;
}

async function lateFiles({ file, others }: OnnxExport): Promise<Map<string, LateFile>> {
  const files = new Map([[OWN_FILE, await lateFile(file)]]);
  for (const [name, other] of others) files.set(name, await lateFile(other));
  return files;
}

/** A file that cannot be read synchronously is read completely. */
async function lateFile(file: ByteSource): Promise<LateFile> {
  const { size, readSync } = file;
  if (readSync) return { size, read: (from, to) => readSync(from, to - from) };
  const bytes = await file.read(0, size);
  return { size, read: (from, to) => bytes.subarray(from, to) };
}

/** @throws MemoryError if the weights alone are more than the provider has */
function refuseTooLarge({ provider }: Runtime, { name, file, others }: OnnxExport): void {
  const bytes = [file, ...others.values()].reduce((sum, { size }) => sum + size, 0);
  const memory = exportMemory(bytes, provider);
  if (!memory.fits) throw new MemoryError(`${name}: ${exportSentence(memory)}`, SMALLER_EXPORT);
}
