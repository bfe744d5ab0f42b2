import { throwIfCancelled } from '../../base/errors';
import { widened } from '../../base/half';
import { FLOAT16 } from '../../onnx/read/elements';
import { OWN_FILE, tappedModel } from '../../onnx/read/tap';
import type { LateFile } from '../../runtime/late-file';
import type { FileTensor, ModelFile } from '../../runtime/model-file';
import type { Runtime } from '../../runtime/runtime';
import { verifyTaps } from './onnx-check';
import type { OnnxExport, OnnxFile, OnnxIds } from './onnx-export';

/** What one sequence has been read so far: its keys and values, and the logits [V] of its last position. */
export interface OnnxState {
  readonly ids: readonly number[];
  readonly logits: Float32Array;
  readonly cache: Readonly<Record<string, FileTensor>>;
}

/**
 * An ONNX export on the device, with its hidden states as outputs. Rows are right-padded: what comes later changes nothing
 * before it, so no mask is needed (`verifyTaps` sees to that).
 */
export class OnnxRunner {
  private constructor(
    readonly runtime: Runtime,
    readonly file: OnnxExport,
    private readonly session: ModelFile,
  ) {}

  /**
   * Opens the export twice, without its hidden states and with them, and compares the two.
   * @throws ConfigError if what was found in the graph is not the hidden states, RuntimeError, MemoryError, CancelledError
   */
  static async open(runtime: Runtime, file: OnnxExport, signal?: AbortSignal): Promise<OnnxRunner> {
    const files = await lateFiles(file);
    const start = async (taps: readonly string[]): Promise<OnnxRunner> => {
      throwIfCancelled(signal, `opening ${file.name}`);
      const bytes = await tappedModel(file.model, taps);
      return new OnnxRunner(runtime, file, await runtime.openModelFile({ bytes, files, label: file.name }));
    };
    const tapped = await verifyTaps(
      file,
      () => start([]),
      () => start(file.decoder.taps),
    );
    return tapped;
  }

  /**
   * Hidden states [B, T, H] of the embedding, of every layer's output, the last one after the final norm: L + 1 in all.
   * With `logits`, also [B, T or 1, V], as the export gives them.
   */
  async states(fed: OnnxIds, { logits = false } = {}) {
    const { taps } = this.file.decoder;
    const out = await this.session.run(this.feeds(fed, 0), [...taps, ...(logits ? ['logits'] : [])]);
    return {
      states: taps.map((tap) => asFloats(out[tap] as FileTensor)),
      shapes: taps.map((tap) => (out[tap] as FileTensor).shape),
      logits: out.logits && { shape: out.logits.shape, data: asFloats(out.logits) },
    };
  }

  /** Reads the ids of one sequence. */
  begin(ids: readonly number[]): Promise<OnnxState> {
    return this.read([], ids, {});
  }

  /** The state one token later; the given one is unchanged. Without a cache in the export, everything is read again. */
  advance({ ids, cache }: OnnxState, token: number): Promise<OnnxState> {
    return this.cached ? this.read(ids, [token], cache) : this.read([], [...ids, token], {});
  }

  /** All logits [B, T or 1, V] of a pass, nothing else. */
  async logits(fed: OnnxIds): Promise<Float32Array> {
    return asFloats((await this.session.run(this.feeds(fed, 0), ['logits'])).logits as FileTensor);
  }

  dispose(): Promise<void> {
    return this.session.dispose();
  }

  private get cached(): boolean {
    return this.file.decoder.caches.every(({ past }) => past !== undefined);
  }

  private async read(
    before: readonly number[],
    ids: readonly number[],
    cache: Readonly<Record<string, FileTensor>>,
  ): Promise<OnnxState> {
    const { caches } = this.file.decoder;
    const { vocabSize } = this.file.sizes;
    const made = this.cached ? caches.flatMap(({ present }) => [present.key, present.value]) : [];
    const feeds = this.feeds({ batch: 1, columns: ids.length, ids }, before.length, cache);
    const out = await this.session.run(feeds, ['logits', ...made]);
    const kept = caches.flatMap(({ past, present }) =>
      past && this.cached
        ? [
            [past.key.name, out[present.key] as FileTensor] as const,
            [past.value.name, out[present.value] as FileTensor] as const,
          ]
        : [],
    );
    const all = asFloats(out.logits as FileTensor);
    const logits = all.slice(all.length - vocabSize);
    return { ids: [...before, ...ids], logits, cache: Object.fromEntries(kept) };
  }

  /** Inputs for ids that come after `past` positions, whose keys and values are in `cache`. */
  private feeds(
    { batch, columns, ids }: OnnxIds,
    past: number,
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
    // 0: those of all positions.
    if (inputs.has('num_logits_to_keep'))
      feeds.num_logits_to_keep = { type: 'int64', shape: [], data: BigInt64Array.of(0n) };
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

export function asFloats(tensor: FileTensor): Float32Array {
  if (tensor.type === 'float16') return widened(tensor.data, 'f16');
  return tensor.data as Float32Array;
}

async function lateFiles({ file, others }: OnnxExport): Promise<Map<string, LateFile>> {
  const files = new Map([[OWN_FILE, await lateFile(file)]]);
  for (const [name, other] of others) files.set(name, await lateFile(other));
  return files;
}

async function lateFile(file: OnnxFile): Promise<LateFile> {
  const { size, readSync } = file;
  if (readSync) return { size, read: (from, to) => readSync(from, to - from) };
  const bytes = await file.read(0, size);
  return { size, read: (from, to) => bytes.subarray(from, to) };
}
