import {
  estimateMemory,
  HOST_BYTES,
  type MemoryEstimate,
  type ModelSizes,
  type Purpose,
  storageThatFits,
  whatFits,
} from '../../../contract/memory';
import { STORAGE_SHORT, type WeightStorage } from '../../../contract/weight-storage';
import { MemoryError } from '../../base/errors';
import type { DecoderConfig } from '../../nn/config';
import type { Runtime } from '../../runtime/runtime';
import { parametersOf } from './pair';

/** The sizes of a model that its memory depends on. */
export const sizesOf = (config: DecoderConfig): ModelSizes => ({
  parameters: parametersOf(config),
  layers: config.layers,
  hidden: config.hiddenSize,
  intermediate: config.intermediateSize,
  heads: config.heads,
  kvHeads: config.kvHeads,
  headDim: config.headDim,
  vocabulary: config.vocabSize,
  tied: config.tieWordEmbeddings,
  storage: config.storage ?? 'f32',
});

/**
 * The purpose, with the number of sequences at a time reduced until it fits.
 * @param what the work, in words: `reading text 3`
 * @throws MemoryError if not even one sequence fits, naming what would
 */
export function fitting(
  config: DecoderConfig,
  provider: Runtime['provider'],
  purpose: Purpose,
  what: string,
): Purpose {
  const found = lacking(config, provider, purpose, what);
  if (!found) return purpose;
  if (found.other?.tokens === purpose.tokens) return found.other;
  throw found.refusal();
}

/** @throws MemoryError if the purpose does not fit as it is, naming what would */
export function refuseUnlessFits(
  config: DecoderConfig,
  provider: Runtime['provider'],
  purpose: Purpose,
  what: string,
): void {
  const found = lacking(config, provider, purpose, what);
  if (found) throw found.refusal();
}

/** For a purpose that does not fit, what would, and the error; undefined if it fits. */
function lacking(
  config: DecoderConfig,
  provider: Runtime['provider'],
  purpose: Purpose,
  what: string,
): { readonly other: Purpose | undefined; refusal(): MemoryError } | undefined {
  const sizes = sizesOf(config);
  const estimate = estimateMemory(sizes, provider, purpose);
  if (estimate.fits) return undefined;
  const other = whatFits(sizes, provider, purpose);
  return { other, refusal: () => refusal(estimate, other, what, storageThatFits(sizes, provider, purpose)) };
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

function refusal(
  { parts, total, available = 0, purpose }: MemoryEstimate,
  other: Purpose | undefined,
  what: string,
  otherwise: WeightStorage | undefined,
): MemoryError {
  const { weights, activations, engine, host } = parts;
  if (purpose.kind === 'distil' && purpose.weights && host > HOST_BYTES)
    return new MemoryError(
      `${what} needs about ${gigabytes(host)} outside WebAssembly, for the values of all weights, their gradients, two moments and a copy; a page has about ${gigabytes(HOST_BYTES)}`,
      'Train LoRA adapters in place of all weights (training.weights), or choose a smaller checkpoint.',
    );
  return new MemoryError(
    `${what} needs about ${gigabytes(total - engine)}, ${gigabytes(weights)} for weights and ${gigabytes(activations)} for ${purpose.sequences} × ${purpose.tokens} tokens; WASM has ${gigabytes(available)}`,
    otherwise
      ? `It would fit with the weights stored in ${STORAGE_SHORT[otherwise]} (an opened model’s storage), or on WebGPU.`
      : other
        ? `${other.sequences} × ${other.tokens} tokens would fit: take fewer at a time or shorten them, or choose WebGPU in the Model panel.`
        : 'Choose WebGPU in the Model panel, which is not limited to 4 GB, or a smaller checkpoint.',
  );
}
