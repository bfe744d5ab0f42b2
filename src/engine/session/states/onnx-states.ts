import type { GatheredStates } from '../../analysis/gathered';
import { allLayers } from '../../analysis/rows';
import { InputError, MemoryError, throwIfCancelled } from '../../base/errors';
import { yieldToEventLoop } from '../../base/yield-to-event-loop';
import { MAX_WHOLE_BYTES, type OnnxExport } from '../models/onnx-export';
import type { OnnxRunner } from '../models/onnx-runner';
import type { OnnxRunners } from '../models/onnx-runners';
import { BATCH_BYTES, MAX_AT_ONCE, MAX_LENGTH } from './buckets';
import type { FedSequence } from './fed-sequences';
import { type Chosen, collecting, numbered, sampleOf, type TakeSample } from './samples';

export interface GatherOnnxOptions {
  /** As of `gatherStates`; an export computes all of them. */
  readonly layers: readonly number[] | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((done: number, total: number) => void) | undefined;
  readonly take: TakeSample | undefined;
}

/**
 * The hidden states of an ONNX export at the chosen positions; sequences of similar length are batched.
 * @throws InputError for latents, which an export cannot be fed, MemoryError for a sequence that is too long, and what
 *   opening the export throws
 */
export async function gatherOnnx(
  runners: OnnxRunners,
  file: OnnxExport,
  readings: readonly FedSequence[],
  chosen: Chosen,
  { layers, signal, onProgress, take }: GatherOnnxOptions,
): Promise<GatheredStates> {
  const { hiddenSize: hidden } = file.sizes;
  const { layers: L } = file.decoder;
  const numbers = layers ?? allLayers(L);
  const lots = lotsOf(file, readings);
  const { samples, put } = collecting(take);
  let done = 0;
  onProgress?.(done, readings.length);
  await runners.use(file, signal, async (runner) => {
    for (const lot of lots) {
      await yieldToEventLoop();
      throwIfCancelled(signal, 'gathering states');
      const states = await read(runner, lot, numbers);
      for (const [b, { reading, index }] of lot.entries()) {
        const read = (position: number, out: Float32Array): void => {
          const from = (b * columnsOf(lot) + position) * hidden;
          states.forEach((layer, l) => {
            out.set(layer.subarray(from, from + hidden), l * hidden);
          });
        };
        await put(sampleOf(reading, chosen, numbers.length * hidden, read), index);
      }
      done += lot.length;
      onProgress?.(done, readings.length);
    }
  });
  return { ...numbered(layers, L), hidden, first: chosen.span?.first, samples };
}

/** @throws InputError for latents, MemoryError for a sequence that is too long */
export function refuseUnlessTaken(file: OnnxExport, readings: readonly FedSequence[]): void {
  lotsOf(file, readings);
}

type Lot = readonly { readonly reading: FedSequence; readonly index: number }[];

const columnsOf = (lot: Lot): number => Math.max(...lot.map(({ reading }) => reading.rest.length));

/** Longest first; the longest in a lot is at most twice as long as the shortest. */
function lotsOf({ sizes, decoder }: OnnxExport, readings: readonly FedSequence[]): Lot[] {
  const { vocabSize, hiddenSize, heads } = sizes;
  /** For one sequence: the largest of its logits, its states, and one layer's attention. */
  const bytes = (columns: number): number =>
    4 * columns * Math.max(vocabSize, (decoder.layers + 1) * hiddenSize, heads * columns);
  const sorted = readings
    .map((reading, index) => ({ reading, index }))
    .sort((a, b) => b.reading.rest.length - a.reading.rest.length);
  const lots: { reading: FedSequence; index: number }[][] = [];
  for (const one of sorted) {
    const { id, reasons, rest } = one.reading;
    if (reasons)
      throw new InputError(
        `${id} is to be read with latents; an ONNX export takes only tokens`,
        'Choose other tokens, or open the safetensors of the same model.',
      );
    if (rest.length > MAX_LENGTH || bytes(rest.length) > MAX_WHOLE_BYTES)
      throw new MemoryError(
        `${id} has ${rest.length} tokens, for which the export computes ${bytes(rest.length)} bytes at once; at most ${MAX_LENGTH} tokens and ${MAX_WHOLE_BYTES} bytes can be read`,
        'Shorten the text.',
      );
    const lot = lots.at(-1);
    const longest = lot?.[0]?.reading.rest.length ?? 0;
    const fits = (lot?.length ?? 0) + 1 <= Math.min(MAX_AT_ONCE, BATCH_BYTES / bytes(longest));
    if (lot && 2 * rest.length > longest && fits) lot.push(one);
    else lots.push([one]);
  }
  return lots;
}

/** By layer, [B, T, H]: rows are padded to the right. */
async function read(
  runner: OnnxRunner,
  lot: Lot,
  layers: readonly number[],
): Promise<readonly Float32Array[]> {
  const columns = columnsOf(lot);
  const ids = new Int32Array(lot.length * columns);
  lot.forEach(({ reading }, b) => {
    ids.set(reading.rest, b * columns);
  });
  const { states } = await runner.states({ batch: lot.length, columns, ids });
  return layers.map((layer) => states[layer] as Float32Array);
}
