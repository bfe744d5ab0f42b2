import {
  estimateAsRun,
  firstLayers,
  HOST_BYTES,
  inHeap,
  layersThatFit,
  type MemoryEstimate,
  type ModelSizes,
  type Purpose,
  storageThatFits,
  whatFits,
} from '../../../contract/memory';
import { STORAGE_SHORT, type WeightStorage } from '../../../contract/weight-storage';
import { gigabytes } from '../../../text/figures';
import { MemoryError } from '../../base/errors';
import { MAX_STATE_BYTES } from '../../decode/state-pool';
import type { DecoderConfig } from '../../nn/config';
import type { Runtime } from '../../runtime/runtime';
import { parametersOf } from './pair';

type Answering = Extract<Purpose, { readonly kind: 'generate' }>;

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
 * States of a decoder that are there at once while it answers, at most: where it stopped reasoning, what was fed since, the
 * prompt, and two of the answer.
 */
const ANSWERING_STATES = 5;

/** Bytes of a decoder's state for one sequence: keys and values of every layer, their mask, and the last hidden states. */
export const stateBytes = ({ layers, kvHeads, headDim, hiddenSize }: DecoderConfig, tokens: number): number =>
  (2 * layers * kvHeads * headDim * tokens + tokens + hiddenSize) * Float32Array.BYTES_PER_ELEMENT;

/** Bytes of the states of one answer. */
export const answeringBytes = (config: DecoderConfig, tokens: number): number =>
  ANSWERING_STATES * stateBytes(config, tokens);

/**
 * The purpose, with the number of sequences at a time reduced until it fits, and until a decoder keeps the states of as many
 * answers; it always keeps those of one.
 * @param what the work, in words: `reading text 3`
 * @param perAnswer bytes of the states of one answer, if they are not those of `answeringBytes`
 * @throws MemoryError if not even one sequence fits, naming what would
 */
export function fitting<P extends Purpose>(
  config: DecoderConfig,
  provider: Runtime['provider'],
  purpose: P,
  what: string,
  perAnswer = answeringBytes(config, purpose.tokens),
): P {
  const found = lacking(config, provider, purpose, what);
  const { other = purpose } = found ?? {};
  if (found && found.other?.tokens !== purpose.tokens) throw found.refusal();
  const most = purpose.kind === 'generate' ? keptAtOnce(perAnswer) : purpose.sequences;
  return { ...purpose, sequences: Math.min(other.sequences, most) };
}

/**
 * How many of `most` sequences of up to so many tokens are answered at once.
 * @throws MemoryError if not even one fits
 */
export const answeredAtOnce = (
  config: DecoderConfig,
  provider: Runtime['provider'],
  { most, tokens }: { readonly most: number; readonly tokens: number },
  what: string,
): number => fitting(config, provider, { kind: 'generate', sequences: most, tokens }, what).sequences;

/** Sequences that a decoder keeps the states of while it answers, each of so many bytes, at least one. */
export const keptAtOnce = (perAnswer: number, most = MAX_STATE_BYTES): number =>
  Math.max(1, Math.floor(most / perAnswer));

/** @throws MemoryError if not all answers can be written at once, naming how many could */
export function refuseUnlessTogether(
  config: DecoderConfig,
  provider: Runtime['provider'],
  purpose: Answering,
  what: string,
): void {
  const { sequences } = fitting(config, provider, purpose, what);
  if (sequences < purpose.sequences)
    throw new MemoryError(
      `${what} ${purpose.sequences} at a time, of up to ${purpose.tokens} tokens with their questions, does not fit into memory`,
      `${sequences} at a time would fit: choose a batch of at most that (optimiser.batch), shorter answers or a smaller checkpoint.`,
    );
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
  const estimate = estimateAsRun(sizes, provider, purpose);
  if (estimate.fits) return undefined;
  const other = whatFits(sizes, provider, purpose);
  const instead = (): string =>
    purpose.kind === 'distil'
      ? trainingInstead(purpose, other, storageThatFits(sizes, provider, purpose))
      : readingInstead(
          other,
          storageThatFits(sizes, provider, purpose),
          fewerLayers(sizes, provider, purpose),
        );
  return { other, refusal: () => new MemoryError(needed(estimate, what), instead()) };
}

/** What the purpose needs, and what there is. */
function needed(estimate: MemoryEstimate, what: string): string {
  const { parts, available = 0, purpose } = estimate;
  const isStep = purpose.kind === 'distil';
  if (isStep && parts.host > HOST_BYTES) {
    const held = purpose.weights
      ? 'the values of all weights, their gradients, two moments and a copy'
      : 'the layers’ weights and inputs';
    return `${what} needs about ${gigabytes(parts.host)} outside WebAssembly, for ${held}; a page has about ${gigabytes(HOST_BYTES)}`;
  }
  const least = isStep && purpose.composition === 'layerwise' ? ' even by layers' : '';
  return `${what} needs about ${gigabytes(inHeap(estimate))}${least}, ${gigabytes(parts.weights)} for weights and ${gigabytes(parts.activations)} for ${purpose.sequences} × ${purpose.tokens} tokens; WASM has ${gigabytes(available)}`;
}

/** How many of the first layers would fit of a sequence at a time; undefined where the layers are not chosen. */
const fewerLayers = (
  sizes: ModelSizes,
  provider: Runtime['provider'],
  purpose: Purpose,
): number | undefined =>
  purpose.kind === 'see' && purpose.layers
    ? layersThatFit(sizes, provider, { ...purpose, sequences: 1 })
    : undefined;

/** What to ask for in its place. @param layers how many of the first */
function readingInstead(
  other: Purpose | undefined,
  storage: WeightStorage | undefined,
  layers: number | undefined,
): string {
  const found = [
    other && `${other.sequences} × ${other.tokens} tokens`,
    layers && `states of ${firstLayers(layers)}`,
  ].filter((text) => text !== undefined);
  const sizes = found.length > 0 && `${found.join(' or ')} would fit`;
  if (storage)
    return `It would fit with the weights stored in ${STORAGE_SHORT[storage]} (an opened model’s storage), or on WebGPU${sizes ? `; with these weights ${sizes}` : ''}.`;
  return sizes
    ? `${sizes}: ${layers ? 'ask for less' : 'take fewer at a time or shorten them'}, or choose WebGPU in the Model panel.`
    : ELSEWHERE;
}

const ELSEWHERE = 'Choose WebGPU in the Model panel, which is not limited to 4 GB, or a smaller checkpoint.';

/** The same of training, where a smaller size keeps the weights exact. */
function trainingInstead(
  { weights }: Extract<Purpose, { readonly kind: 'distil' }>,
  other: Purpose | undefined,
  storage: WeightStorage | undefined,
): string {
  if (weights && !other)
    return 'Train LoRA adapters in place of all weights (training.weights), or choose a smaller checkpoint.';
  const size =
    other && `${other.sequences} × ${other.tokens} tokens would fit: choose a smaller batch or shorter rows.`;
  const rounded =
    storage &&
    `As asked it would fit with the weights stored in ${STORAGE_SHORT[storage]} (an opened model’s storage); it then trains on rounded weights.`;
  const found = [size, rounded].filter((text) => text !== undefined);
  return found.length > 0 ? [...found, 'WebGPU is not limited to 4 GB.'].join(' ') : ELSEWHERE;
}
