import type { CallOptions } from '../../../contract/calls';
import type { DeviceReport } from '../../../contract/events';
import { estimateMemory } from '../../../contract/memory';
import {
  REDUCED_STORAGES,
  type ReducedStorage,
  type ReferenceStates,
  type StatesError,
  type StorageError,
  type StorageErrors,
  type WeightStorage,
} from '../../../contract/weight-storage';
import type { GatheredStates } from '../../analysis/gathered';
import { matrixSpectra } from '../../analysis/matrix-spectra';
import { allLayers } from '../../analysis/rows';
import { ENERGY_SHARES } from '../../analysis/spectra';
import { stacked } from '../../analysis/stacks';
import { NumericError, throwIfCancelled } from '../../base/errors';
import { floatsOf } from '../../base/half';
import { formOf, keptFloats } from '../../base/kept';
import { yieldToEventLoop } from '../../base/yield-to-event-loop';
import { isLayerMatrix } from '../../model/device-weights';
import { gatherStates } from '../states/states';
import type { Opened } from './environment';
import { sizesOf } from './fits';
import type { LoadedModel } from './pair';
import { type OpenedModel, resolveSubject } from './subjects';
import { storedAs } from './weight-storage';

/** The text that hidden states are compared on. */
export const COMPARED_TEXT =
  'Tom has 12 apples and gives 3 of them to Ann, who had twice as many. How many apples does each of them have now?';

type Provider = DeviceReport['provider'];
/** Hidden states of the text, and ranks by share of energy and layer. */
interface Read {
  readonly states: GatheredStates;
  readonly ranks: readonly (readonly number[])[];
}

/**
 * The errors that 16, 8 and 4 bits cause in an opened model. @throws InputError if none is open or it is an
 * ONNX export; CancelledError
 */
export async function storageErrors(
  { models, runtime: { provider } }: Pick<Opened, 'models' | 'runtime'>,
  opened: OpenedModel | undefined,
  options: CallOptions = {},
): Promise<StorageErrors> {
  const { model, tokenizer } = storedAs(opened, 'f32');
  const own = opened as OpenedModel;
  const read = (storage: WeightStorage): Promise<Read> => {
    const isOwn = (own.model.config.storage ?? 'f32') === storage;
    return readText(models, isOwn ? own : storedAs(own, storage), isOwn, options);
  };
  const tokens = tokenizer.encode(COMPARED_TEXT).length;
  const fits = (storage: WeightStorage): boolean =>
    estimateMemory({ ...sizesOf(model.config), storage }, provider, { kind: 'see', sequences: 1, tokens })
      .fits;
  const step = stepping(1 + REDUCED_STORAGES.length, options);
  const layers = comparedLayers(model);
  const from = referenceOf(model, provider, fits);
  const reference = from && (await read(from));
  step();
  const storages: StorageError[] = [];
  for (const storage of REDUCED_STORAGES) {
    try {
      const weights = await weightErrors(model, layers, storage, provider, options);
      const other =
        reference && fits(storage) ? (storage === from ? reference : await read(storage)) : undefined;
      storages.push({ storage, weights, states: reference && other ? compared(reference, other) : null });
    } catch (error) {
      if (storage !== 'half' || !(error instanceof NumericError)) throw error;
      storages.push({ storage, weights: null, states: null, refused: error.message });
    }
    step();
  }
  return { layers, reference: from && reference ? referenceReport(from, reference) : null, storages };
}

/** Reports progress, in parts of the comparison. */
function stepping(total: number, { report }: CallOptions): () => void {
  const start = performance.now();
  let done = -1;
  const step = (): void => {
    done++;
    report?.({ phase: 'states', done, total, unit: 'runs', elapsed: performance.now() - start });
  };
  step();
  return step;
}

/**
 * float32 if that fits; else float16 for a 16-bit checkpoint, which it holds exactly except for the smallest
 * values.
 */
function referenceOf(
  { weights }: LoadedModel,
  provider: Provider,
  fits: (storage: WeightStorage) => boolean,
): 'f32' | 'half' | undefined {
  if (fits('f32')) return 'f32';
  const isHalf = [...weights.tensors].every(
    ([name, { dtype, shape }]) => !isLayerMatrix(name, shape) || dtype !== 'f32',
  );
  return isHalf && provider === 'wasm' && fits('half') ? 'half' : undefined;
}

/** The first, the middle and the last layer, 1 … L. */
const comparedLayers = ({ config: { layers: L } }: LoadedModel): readonly number[] => [
  ...new Set([1, Math.ceil(L / 2), L]),
];

/** Relative error of those layers' matrices. */
async function weightErrors(
  { weights }: LoadedModel,
  layers: readonly number[],
  storage: ReducedStorage,
  provider: Provider,
  { signal }: CallOptions,
): Promise<NonNullable<StorageError['weights']>> {
  let [difference, size, zeroed, count] = [0, 0, 0, 0];
  for (const [name, { shape }] of weights.tensors) {
    if (!isLayerMatrix(name, shape) || !layers.includes(1 + Number(name.split('.')[1]))) continue;
    await yieldToEventLoop();
    throwIfCancelled(signal, WHAT);
    const host = weights.read(name);
    const values = floatsOf(host);
    const kept = keptFloats(host, formOf(storage, provider), name);
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      difference += ((kept[i] as number) - value) ** 2;
      size += value ** 2;
      if (kept[i] === 0 && value !== 0) zeroed++;
    }
    count += values.length;
  }
  return { error: ratio(difference, size), zeroed: zeroed / count };
}

const ratio = (difference: number, size: number): number => (size === 0 ? 0 : Math.sqrt(difference / size));

/** @param stays whether the model is the opened one, rather than on the device only for this */
async function readText(
  models: Opened['models'],
  opened: OpenedModel,
  stays: boolean,
  { signal }: CallOptions,
): Promise<Read> {
  const resolved = resolveSubject({ kind: 'opened' }, { opened, checkpoints: new Map() });
  const text = { id: 'text-1', about: COMPARED_TEXT, text: COMPARED_TEXT };
  try {
    const states = await gatherStates(models, resolved, [text], ['text'], { ...(signal && { signal }) });
    const { layers: L, hidden: H } = states;
    const matrices = stacked(states, { stack: 'layer', layers: allLayers(L), centre: false });
    const { spectra } = await matrixSpectra(matrices, H, { ...(signal && { signal }) });
    const ranks = ENERGY_SHARES.map((_, i) => spectra.map(({ energyRanks }) => energyRanks[i] as number));
    return { states, ranks };
  } finally {
    if (!stays) await models.close(opened.model);
  }
}

const valuesOf = ({ states: { samples } }: Read): Float32Array => samples[0]?.states as Float32Array;

function compared(reference: Read, other: Read): StatesError {
  const { layers: L, hidden: H } = reference.states;
  const [a, b] = [valuesOf(reference), valuesOf(other)];
  const [difference, size] = [new Float64Array(L), new Float64Array(L)];
  for (let i = 0; i < a.length; i++) {
    const layer = Math.floor(i / H) % L;
    difference[layer] = (difference[layer] as number) + ((b[i] as number) - (a[i] as number)) ** 2;
    size[layer] = (size[layer] as number) + (a[i] as number) ** 2;
  }
  const sum = (values: Float64Array): number => values.reduce((x, y) => x + y, 0);
  const errors = Array.from(difference, (d, l) => ratio(d, size[l] as number));
  const most = errors.reduce((at, error, l) => (error > (errors[at] as number) ? l : at), 0);
  return {
    error: ratio(sum(difference), sum(size)),
    largest: { layer: most + 1, error: errors[most] as number },
    ranks: other.ranks,
  };
}

const referenceReport = (storage: 'f32' | 'half', { states, ranks }: Read): ReferenceStates => ({
  storage,
  text: COMPARED_TEXT,
  tokens: states.samples[0]?.tokens ?? 0,
  shares: [...ENERGY_SHARES],
  ranks,
});

const WHAT = 'comparing storages';
