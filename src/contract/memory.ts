import type { DeviceReport, ModelReport } from './events';
import { WEIGHT_STORAGES, type WeightStorage } from './weight-storage';

/** What a model is to be used for. Tokens are those of one sequence. */
export type Purpose =
  | {
      readonly kind: 'see';
      readonly sequences: number;
      readonly tokens: number;
      /** Default all. */
      readonly layers?: LayersSeen | undefined;
    }
  /** Tokens of the prompt and the text: attention over all of them at once is the worst case. */
  | {
      readonly kind: 'generate';
      readonly sequences: number;
      readonly tokens: number;
      /** Of each sequence, those of the prompt; by default too many to be fed one by one, see `promptIsFed`. */
      readonly prompt?: number;
    }
  | {
      readonly kind: 'distil';
      readonly sequences: number;
      readonly tokens: number;
      /** Of each sequence, those whose logits a loss reads; default all. */
      readonly predicted?: number;
      /** Of the adapters. */
      readonly rank: number;
      /** Whether the model's own weights are trained too; default false. */
      readonly weights?: boolean;
      /** By default one program a step on WASM, and small programs shared by the layers on WebGPU. */
      readonly composition?: Composition;
    };

/** Layers of a request to see hidden states. Those that are not run have their weights neither loaded nor read. */
export interface LayersSeen {
  /** How many are run, from the first: up to the highest that is asked for. */
  readonly run: number;
  /** At how many the states are kept. */
  readonly kept: number;
  /** How many are run whatever is asked for: all where thoughts are made of final states. Default none. */
  readonly least?: number;
}

type Distil = Extract<Purpose, { readonly kind: 'distil' }>;

/** How a training step is run: as one program, or as small programs shared by the layers, which recompute activations. */
export type Composition = 'whole' | 'layerwise';

/** The sizes that memory depends on; the head's dimension is H / heads unless it is given. */
export type ModelSizes = Pick<
  ModelReport,
  'parameters' | 'layers' | 'hidden' | 'intermediate' | 'heads' | 'kvHeads' | 'vocabulary' | 'tied'
> & {
  readonly headDim?: number;
  /** Of the layers' matrices; default f32. */
  readonly storage?: WeightStorage | undefined;
};

/** `host`: outside the 4 GB of WebAssembly, where small programs get from what they are bound to. */
export type MemoryPart = 'weights' | 'activations' | 'adapters' | 'engine' | 'host';

export interface MemoryEstimate {
  readonly purpose: Purpose;
  /** Bytes. `engine`: the page, its worker and ONNX Runtime, and the weight that is being read or sent. */
  readonly parts: Readonly<Record<MemoryPart, number>>;
  readonly total: number;
  /**
   * Bytes that earlier requests may have left besides. On WASM programs of other lengths or for other purposes, which are kept for
   * the next request like them and go first where room is needed, of a run those that answer and those that read the teacher; on
   * WebGPU the weights that this purpose does not read: those of the vocabulary, and of layers above those that are seen.
   */
  readonly kept: number;
  /** Bytes that all parts but `engine` and `host` may take together; undefined where the browser does not say. */
  readonly available: number | undefined;
  readonly fits: boolean;
  /** Of processor time on one thread, once: loading weights, and computing. Undefined on WebGPU, where it is not known. */
  readonly seconds: number | undefined;
}

const F32 = 4;
/** Share of a scale that a value has by blocks. */
const SCALE = F32 / 32;
/** Bytes of a value of the layers' matrices. Where they are bound, 16 bits are by blocks too. */
const valueBytes = (storage: WeightStorage, isBound: boolean): number =>
  ({ f32: F32, half: isBound ? 2 + SCALE : 2, int8: 1 + SCALE, int4: 1 / 2 + SCALE })[storage];
/** Addresses of WebAssembly, less what is lost between blocks. */
export const WASM_BYTES = 2 ** 32 * 0.94;
/** As `engine/model` has them: embeddings above this are looked up row by row on WASM. */
export const VOCABULARY_CHUNK = 64 * 2 ** 20;
/** Of a matrix in fewer bits, where weights are bound: the largest piece of it as float32. */
export const MATRIX_PIECE = 32 * 2 ** 20;
/** Models up to this size are packed on WASM. */
export const PACKED_BYTES = 768 * 2 ** 20;
/** Bytes of a model's programs above which only one of the large ones is there at a time. */
export const RESIDENT_BYTES = 2.2 * 2 ** 30;
/** Bytes of a model's programs above which idle ones go: of a small one, and at most. */
export const PROGRAM_BYTES = 512 * 2 ** 20;
export const IDLE_BYTES = 1.25 * 2 ** 30;
/** Programs as large as a request's own that are taken to be kept besides. */
const MAX_KEPT = 3;
/** Bytes of arrays outside WebAssembly, of which a page has 8 GiB. */
export const HOST_BYTES = 6e9;
/** The longest prompt that is fed token by token, and bytes of the smallest model that it is fed to so. */
const FED_PROMPT = 32;
const FED_BYTES = 16 * 2 ** 20;
export const FACTORS = { packed: 1.25, plain: 1.05 } as const;
/** Packed for the forward pass, and again, transposed, for the gradients of its inputs: measured at 20 to 135 million parameters. */
const TRAINED = { packed: 2.2, plain: FACTORS.plain } as const;
/** Tensors of rows × vocabulary that a step has at once, of one chunk where there are several: measured. */
const LOGITS = 5;
/** Measured in Chromium: a page that has opened a model takes about this much before it computes. */
const PAGE = 330e6;
/**
 * Measured there too, once it computes on WASM, beside what is in the heap: ONNX Runtime's code as it is compiled anew while it runs, and
 * copies on their way. 62 to 83 MB with a model of a million parameters, of which it is nearly all.
 */
const TO_WASM = 60e6;
/** Measured there too, once it computes on a GPU: commands, and bytes on their way to it. 60 to 200 MB with models of 0.1 to 0.5 GB. */
const TO_GPU = 100e6;
/**
 * Measured on one thread: floating-point operations a second in products of many rows, and weights a second in those of
 * one; weights made float32 a second of each storage, and loaded as each.
 */
const RATES = {
  flops: 14e9,
  row: 2.2e9,
  widened: { f32: Number.POSITIVE_INFINITY, half: 4e9, int8: 5e8, int4: 6e8 },
  load: { f32: 5e8, half: 5e8, int8: 1.5e8, int4: 1.5e8 },
  copied: 5e8,
} as const;

/** What a model must have room for to be kept so without being asked: reading one text. */
export const ONE_TEXT = { kind: 'see', sequences: 1, tokens: 64 } as const satisfies Purpose;

/** How a model is kept unless something else is chosen: as the most exact storage with which a text can be read. */
export const usualStorage = (model: ModelSizes, provider: DeviceReport['provider']): WeightStorage =>
  WEIGHT_STORAGES.find((storage) => estimateMemory({ ...model, storage }, provider, ONE_TEXT).fits) ?? 'int4';

/** Bytes that a purpose takes on a provider, largest at its peak, and how long it takes. */
export function estimateMemory(
  model: ModelSizes,
  provider: DeviceReport['provider'],
  purpose: Purpose,
): MemoryEstimate {
  const weights = provider === 'wasm' ? wasmWeights(model, purpose) : gpuWeights(model, purpose);
  const parts = {
    weights,
    activations: activations(model, provider, purpose),
    adapters: purpose.kind === 'distil' ? trainedBytes(model, provider, purpose) : 0,
    // A tensor as it is stored, and widened to float32.
    engine: PAGE + (provider === 'webgpu' ? TO_GPU : TO_WASM) + 1.5 * largestRead(model),
    host: hostBytes(model, provider, purpose),
  };
  const total = Object.values(parts).reduce((sum, bytes) => sum + bytes, 0);
  const available = provider === 'wasm' ? WASM_BYTES : undefined;
  return {
    purpose,
    parts,
    total,
    kept:
      provider === 'wasm'
        ? keptPrograms(model, weights, { purpose, room: WASM_BYTES - inHeap({ parts, total }) })
        : keptVocabulary(model, purpose) + layersOnGpu(model) - layersOnGpu(model, purpose),
    available,
    fits: available === undefined || (inHeap({ parts, total }) <= available && parts.host <= HOST_BYTES),
    seconds: provider === 'wasm' ? seconds(model, purpose) : undefined,
  };
}

/** Bytes in WebAssembly, less those of the page itself: what `available` is for. */
export const inHeap = ({ parts, total }: Pick<MemoryEstimate, 'parts' | 'total'>): number =>
  total - parts.engine - parts.host;

/** See `kept`: each program has its weights. @param room that the purpose leaves */
function keptPrograms(
  model: ModelSizes,
  weights: number,
  { purpose, room }: { readonly purpose: Purpose; readonly room: number },
): number {
  // A run has read its teacher, and answers with programs of its own.
  if (purpose.kind === 'distil') {
    const others = (['see', 'generate'] as const).map((kind) => wasmWeights(model, { ...ONE_TEXT, kind }));
    return Math.max(
      0,
      Math.min(
        others.reduce((sum, bytes) => sum + bytes),
        RESIDENT_BYTES,
        room,
      ),
    );
  }
  const most = Math.max(PROGRAM_BYTES, Math.min(3 * FACTORS.packed * storedBytes(model), IDLE_BYTES));
  // Earlier requests may have been for all layers.
  const all: Purpose = purpose.kind === 'see' ? { ...purpose, layers: undefined } : purpose;
  return Math.max(0, Math.min(most - weights, MAX_KEPT * wasmWeights(model, all)));
}

/** Bytes of WebAssembly that a purpose which fits leaves to other programs; undefined on WebGPU, which does not say. */
export function bytesBeside(
  model: ModelSizes,
  provider: DeviceReport['provider'],
  purpose: Purpose,
): number | undefined {
  const estimate = estimateMemory(model, provider, purpose);
  return estimate.available === undefined ? undefined : estimate.available - inHeap(estimate);
}

/** How a step is run: as one program where that fits, else by layers; undefined where neither fits. */
export function compositionFor(
  model: ModelSizes,
  provider: DeviceReport['provider'],
  purpose: Extract<Purpose, { kind: 'distil' }>,
): Composition | undefined {
  const wanted: readonly Composition[] = provider === 'webgpu' ? ['layerwise'] : ['whole', 'layerwise'];
  return wanted.find((composition) => estimateMemory(model, provider, { ...purpose, composition }).fits);
}

/** The estimate of a purpose in the way in which it is run: of a step by layers if one program does not fit. */
export function estimateAsRun(
  model: ModelSizes,
  provider: DeviceReport['provider'],
  purpose: Purpose,
): MemoryEstimate {
  if (purpose.kind !== 'distil' || purpose.composition) return estimateMemory(model, provider, purpose);
  // By layers takes least: that is what is said of a step that does not fit either way.
  const composition = compositionFor(model, provider, purpose) ?? 'layerwise';
  return estimateMemory(model, provider, { ...purpose, composition });
}

/**
 * The largest number of sequences, and then of tokens, with which a purpose that does not fit would, a step also by layers;
 * undefined where nothing would.
 */
export function whatFits(
  model: ModelSizes,
  provider: DeviceReport['provider'],
  purpose: Purpose,
): Purpose | undefined {
  const fits = (other: Purpose): boolean => estimateAsRun(model, provider, other).fits;
  const sequences = largest(purpose.sequences, (n) => fits({ ...purpose, sequences: n }));
  if (sequences > 0) return { ...purpose, sequences };
  const tokens = largest(purpose.tokens, (n) => fits({ ...purpose, sequences: 1, tokens: n }));
  return tokens > 0 ? { ...purpose, sequences: 1, tokens } : undefined;
}

/**
 * How many of the first layers could be seen where a request to see more does not fit; undefined where not even one could, or where
 * fewer are not asked for: what is distilled reads all.
 */
export function layersThatFit(
  model: ModelSizes,
  provider: DeviceReport['provider'],
  purpose: Purpose,
): number | undefined {
  if (purpose.kind !== 'see') return undefined;
  const { run, kept, least = 0 } = purpose.layers ?? { run: model.layers, kept: model.layers };
  const of = (n: number): Purpose => ({ ...purpose, layers: { run: Math.max(n, least), kept: n } });
  const found = largest(
    Math.min(run, least > 0 ? kept : run) - 1,
    (n) => estimateMemory(model, provider, of(n)).fits,
  );
  return found > 0 ? found : undefined;
}

/** In words. */
export const firstLayers = (n: number): string => (n === 1 ? 'layer 1' : `layers 1 to ${n}`);

/**
 * The most exact storage of fewer bits than the model's own with which a purpose that does not fit would, if there is one. A step
 * then differs, as frozen weights are rounded; weights that are trained are float32.
 */
export function storageThatFits(
  model: ModelSizes,
  provider: DeviceReport['provider'],
  purpose: Purpose,
): WeightStorage | undefined {
  if (trainsWeights(purpose)) return undefined;
  const others = WEIGHT_STORAGES.slice(1 + WEIGHT_STORAGES.indexOf(storageOf(model)));
  return others.find((storage) => estimateAsRun({ ...model, storage }, provider, purpose).fits);
}

/** The largest n of 1 … max for which it is true, as it is for all smaller ones; 0 if for none. */
function largest(max: number, isTrue: (n: number) => boolean): number {
  let [low, high] = [0, max];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (isTrue(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

const embeddingOf = ({ vocabulary, hidden }: ModelSizes): number => vocabulary * hidden;
const headDimOf = ({ headDim, hidden, heads }: ModelSizes): number => headDim ?? hidden / heads;
/** Parameters of the layers. */
const inLayers = (model: ModelSizes): number => model.parameters - embeddingOf(model) * (model.tied ? 1 : 2);

function largestRead(model: ModelSizes): number {
  const { hidden, intermediate } = model;
  return F32 * Math.max(2 * hidden * intermediate, Math.min(embeddingOf(model), VOCABULARY_CHUNK / F32));
}

const storageOf = ({ storage = 'f32' }: ModelSizes): WeightStorage => storage;

const isByLayers = (purpose: Purpose): boolean =>
  purpose.kind === 'distil' && purpose.composition === 'layerwise';

/**
 * Weights of the layers and their inputs, which WASM has outside its heap and copies into it program by program. Weights that are
 * trained are there in its place, five times: the values, their gradients, two moments, and the copy that outlives a failure.
 */
function hostBytes(model: ModelSizes, provider: DeviceReport['provider'], purpose: Purpose): number {
  if (provider === 'webgpu') return 0;
  const kept = isByLayers(purpose) ? valueBytes(storageOf(model), true) * inLayers(model) : 0;
  const weights = trainsWeights(purpose) ? 5 * F32 * model.parameters : kept;
  return weights + (isByLayers(purpose) ? F32 * boundaries(model, purpose) : 0);
}

const trainsWeights = (purpose: Purpose): boolean => purpose.kind === 'distil' && purpose.weights === true;

/** Values kept of every layer between forward and reverse: its inputs, keys and values, and their gradients. */
function boundaries({ layers: L, hidden: H, kvHeads, ...model }: ModelSizes, purpose: Purpose): number {
  const rows = purpose.sequences * purpose.tokens;
  return L * rows * (2 * H + 4 * kvHeads * headDimOf({ hidden: H, kvHeads, layers: L, ...model }));
}

/** All weights once, as WASM keeps them. */
const storedBytes = (model: ModelSizes, storage = model.storage ?? 'f32'): number =>
  valueBytes(storage, false) * inLayers(model) + F32 * (model.parameters - inLayers(model));

/**
 * Whether a prompt is fed token by token to the program that feeds a text's own tokens. On WASM a program that reads it at once has
 * the weights of all layers once more, and takes as long to make as 50 to 100 tokens to feed; on WebGPU programs share them. In 8 and
 * 4 bits matrices are widened at every token, so that feeding takes as long.
 */
export const promptIsFed = (
  model: ModelSizes,
  provider: DeviceReport['provider'],
  prompt: number | undefined,
): boolean =>
  provider === 'wasm' &&
  prompt !== undefined &&
  prompt <= FED_PROMPT &&
  ['f32', 'half'].includes(storageOf(model)) &&
  storedBytes(model) > FED_BYTES;

/** The largest matrix while a product reads it: as float32, and of 16 bits a copy of them. */
function widenedBytes({ hidden, intermediate }: ModelSizes, storage: WeightStorage): number {
  // By blocks the heap keeps room for another one, of another size: measured.
  return storage === 'f32' ? 0 : (F32 + (storage === 'half' ? 2 : F32)) * 2 * hidden * intermediate;
}

/** The same where it is bound: the largest piece, of 16 bits beside either byte as float32. */
function widenedPieces({ hidden, intermediate }: ModelSizes, storage: WeightStorage): number {
  const piece = Math.min(F32 * 2 * hidden * intermediate, MATRIX_PIECE);
  return storage === 'f32' ? 0 : (storage === 'half' ? 3 : 1) * piece;
}

/** All programs share what is bound; a matrix that is not float32 is made so while it is read. */
function gpuWeights(model: ModelSizes, purpose: Purpose): number {
  const storage = storageOf(model);
  // ONNX Runtime keeps the buffers of pieces of another size.
  const layers = layersOnGpu(model, purpose) + 2 * widenedPieces(model, storage);
  return layers + vocabularyOnGpu(model) - keptVocabulary(model, purpose);
}

/** All layers, or those that a purpose runs. */
const layersOnGpu = (model: ModelSizes, purpose?: Purpose): number =>
  valueBytes(storageOf(model), true) * inLayers(model) * (purpose ? shareRun(model, purpose) : 1);

/** Of the layers, those that a purpose runs. */
const shareRun = ({ layers }: ModelSizes, purpose: Purpose): number =>
  purpose.kind === 'see' && purpose.layers ? purpose.layers.run / layers : 1;

const isLarge = (model: ModelSizes): boolean => F32 * embeddingOf(model) > VOCABULARY_CHUNK;

/** Embedding and head; large ones are in chunks, in 16 bits where the layers' matrices are not float32. */
const vocabularyOnGpu = (model: ModelSizes): number =>
  (isLarge(model) && storageOf(model) !== 'f32' ? valueBytes('half', true) : F32) *
  (model.parameters - inLayers(model));

/** Of those, what is not on the device until another purpose reads it: of a large embedding rows are fed. */
function keptVocabulary(model: ModelSizes, { kind }: Purpose): number {
  if (!isLarge(model) || kind === 'distil') return 0;
  return kind === 'see' ? vocabularyOnGpu(model) : model.tied ? 0 : vocabularyOnGpu(model) / 2;
}

/** Each program has the weights it reads. */
function wasmWeights(model: ModelSizes, purpose: Purpose): number {
  const { kind } = purpose;
  const storage = storageOf(model);
  const matrices = valueBytes(storage, false) * inLayers(model) * shareRun(model, purpose);
  const size = storedBytes(model, storage);
  const form = size <= PACKED_BYTES ? 'packed' : 'plain';
  const factor = FACTORS[form];
  const isStep = kind === 'distil';
  const embedding = F32 * embeddingOf(model);
  const fed = isLarge(model);
  // Only float32 is packed.
  const layers =
    matrices * (storage === 'f32' ? (isStep ? TRAINED : FACTORS)[form] : FACTORS.plain) +
    widenedBytes(model, storage);
  const body = layers + (fed ? 0 : embedding * factor);
  if (kind === 'see') return body;
  const head = embedding * factor;
  // Small programs leave the head unpacked, and are fed two layers.
  if (isByLayers(purpose)) {
    const two = (2 * valueBytes(storage, true) * inLayers(model)) / model.layers;
    return embedding * FACTORS.plain + two + widenedPieces(model, storage);
  }
  // What is trained is fed to its program, and is counted with its gradients.
  if (trainsWeights(purpose)) return 0;
  if (isStep) return body + embedding * TRAINED[form];
  // One program feeds tokens, one reads the head, and one reads a prompt that is not fed.
  if (kind === 'generate' && promptIsFed(model, 'wasm', purpose.prompt)) return body + head;
  return 2 * body + head <= RESIDENT_BYTES ? 2 * body + head : body + head;
}

function activations(model: ModelSizes, provider: DeviceReport['provider'], purpose: Purpose): number {
  const { layers: L, hidden: H, intermediate: I, heads, kvHeads } = model;
  const { sequences: B, tokens: T } = purpose;
  const rows = B * T;
  const keyValues = 2 * rows * kvHeads * headDimOf(model);
  const attention = 3 * B * heads * T * T;
  const layer = rows * (6 * H + 3 * I) + attention + keyValues;
  // Hidden states of every layer that is kept, and all of them in one tensor.
  if (purpose.kind === 'see') return F32 * (layer + 2 * rows * (purpose.layers?.kept ?? L) * H);
  // Keys and values as they come in, as they go out, and as the page holds them.
  if (purpose.kind === 'generate') return F32 * (layer + 3 * L * keyValues);
  if (isByLayers(purpose) && provider === 'wasm') return F32 * (3 * layer + logits(model, purpose));
  // One program keeps what the reverse pass reads of every layer; small ones their inputs, and recompute the rest.
  if (provider === 'wasm') return F32 * (L * (rows * (8 * H + 5 * I) + attention) + logits(model, purpose));
  return F32 * (3 * layer + L * (2 * rows * H + 2 * keyValues));
}

/** Values over the vocabulary that a step has at once. */
function logits(
  { vocabulary, hidden }: ModelSizes,
  { sequences, tokens, predicted = tokens }: Distil,
): number {
  const columns = Math.min(vocabulary, Math.ceil(VOCABULARY_CHUNK / (F32 * hidden)));
  return LOGITS * sequences * predicted * columns;
}

/**
 * LoRA on every linear of a layer, and the weights themselves where they are trained: the values, their gradients, and AdamW's
 * two moments. Of whole weights WASM has in its heap what a program is fed and hands out, all values and gradients, or a few of a
 * program by layers; the rest is outside.
 */
function trainedBytes(model: ModelSizes, provider: DeviceReport['provider'], purpose: Distil): number {
  const { rank, weights = false } = purpose;
  const { hidden: H, intermediate: I, heads, kvHeads } = model;
  const d = headDimOf(model);
  const sizes = 2 * (H + heads * d) + 2 * (H + kvHeads * d) + 3 * (H + I);
  const adapters = 4 * F32 * model.layers * rank * sizes;
  if (!weights) return adapters;
  if (provider === 'webgpu') return adapters + 4 * F32 * model.parameters;
  // By layers the values fed are counted as weights, and as many gradients come out.
  const inHeap = isByLayers(purpose)
    ? embeddingOf(model) + 2 * (inLayers(model) / model.layers)
    : 2 * model.parameters;
  return adapters + F32 * inHeap;
}

function seconds(model: ModelSizes, purpose: Purpose): number {
  const { sequences: B, tokens: T } = purpose;
  const layers = inLayers(model);
  const all = layers + embeddingOf(model);
  const storage = storageOf(model);
  const load = RATES.load[storage];
  const widening = layers / RATES.widened[storage];
  if (purpose.kind === 'see')
    return shareRun(model, purpose) * (layers / load + widening + (2 * layers * B * T) / RATES.flops);
  if (purpose.kind === 'distil') return all / load + stepSeconds(model, purpose);
  return (2 * all) / load + T * (all / RATES.row + widening);
}

/**
 * Processor time of one training step on one thread: forward, and the gradients of inputs in reverse, of all that is fed, and those
 * of the weights where they are trained;
 * matrices in fewer bits are widened in every pass. Small programs recompute each layer, and copy its weights.
 */
export function stepSeconds(model: ModelSizes, purpose: Extract<Purpose, { kind: 'distil' }>): number {
  const { sequences: B, tokens: T } = purpose;
  const layers = inLayers(model);
  const all = layers + embeddingOf(model);
  const byLayers = isByLayers(purpose);
  const widening = (STEP_PASSES * layers) / RATES.widened[storageOf(model)];
  const passes = (byLayers ? 6 : 4) + (purpose.weights ? 2 : 0);
  return (passes * all * B * T) / RATES.flops + widening + (byLayers ? all / RATES.copied : 0);
}

/**
 * Processor time of one answered problem of a batch, on one thread: its question read at once, and then one token of every problem
 * of the batch a step, all at the rate of one row or at that of many, whichever takes longer. Loading the weights is not counted.
 */
export function answerSeconds(
  model: ModelSizes,
  { batch, question, steps }: { readonly batch: number; readonly question: number; readonly steps: number },
): number {
  const layers = inLayers(model);
  const all = layers + embeddingOf(model);
  const widening = layers / RATES.widened[storageOf(model)];
  const read = (2 * layers * question) / RATES.flops + widening / batch;
  const step = Math.max(all / RATES.row / batch, (2 * all) / RATES.flops) + widening / batch;
  return read + steps * step;
}

/** Passes over the layers in a step of five latents: question, latents, answer, each forward and in reverse. */
const STEP_PASSES = 14;
