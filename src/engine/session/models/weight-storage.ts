import type { CallOptions } from '../../../contract/calls';
import type { DeviceReport } from '../../../contract/events';
import { estimateMemory, ONE_TEXT, usualStorage } from '../../../contract/memory';
import {
  type StatesErrors,
  type StorageErrors,
  WEIGHT_STORAGES,
  type WeightStorage,
} from '../../../contract/weight-storage';
import { listed, quote } from '../../../text/quote';
import type { GatheredStates } from '../../analysis/gathered';
import { matrixSpectra } from '../../analysis/matrix-spectra';
import { allLayers } from '../../analysis/rows';
import { ENERGY_SHARES } from '../../analysis/spectra';
import { stacked } from '../../analysis/stacks';
import { throughBlocks } from '../../base/blocks';
import { InputError, throwIfCancelled } from '../../base/errors';
import { floatsOf } from '../../base/half';
import { yieldToEventLoop } from '../../base/yield-to-event-loop';
import { isLayerMatrix } from '../../model/device-weights';
import { gatherStates } from '../states/states';
import type { Opened } from './environment';
import { sizesOf } from './fits';
import type { LoadedModel } from './pair';
import { type OpenedModel, resolveSubject } from './subjects';

type Provider = DeviceReport['provider'];

/** The text that hidden states are compared on. */
export const COMPARED_TEXT =
  'Tom has 12 apples and gives 3 of them to Ann, who had twice as many. How many apples does each of them have now?';

/**
 * The model with its layers' matrices kept so; another object, so that nothing computed with the old one is taken for the
 * new one's. @throws InputError for another storage, and for an ONNX export
 */
export function storedAs(opened: OpenedModel | undefined, storage: WeightStorage): OpenedModel {
  const { model } = checked(opened, storage);
  const { config, report } = model;
  const { storage: _, ...plain } = config;
  return {
    ...(opened as OpenedModel),
    model: {
      ...model,
      config: storage === 'int8' ? { ...plain, storage } : plain,
      report: { ...report, storage },
    },
  };
}

function checked(opened: OpenedModel | undefined, storage: WeightStorage): OpenedModel {
  if (!WEIGHT_STORAGES.includes(storage))
    throw new InputError(`there is no storage ${quote(storage)}`, `Choose ${listed(WEIGHT_STORAGES, 2)}.`);
  if (!opened) throw new InputError('no checkpoint is open', 'Open one from its files in the Model panel.');
  if (opened.model.onnx)
    throw new InputError(
      'an ONNX export is run with the weights that it holds',
      'Open the checkpoint it was exported from, or an export with other weights.',
    );
  return opened;
}

/** As it is kept when it is opened: as float32 where a text can then be read, else in 8 bits, with a note of it. */
export function usuallyStored(opened: OpenedModel, provider: Provider = 'wasm'): OpenedModel {
  if (opened.model.onnx) return opened;
  const sizes = sizesOf(opened.model.config);
  const storage = usualStorage(sizes, provider);
  const stored = storedAs(opened, storage);
  if (storage === 'f32') return stored;
  const { total, parts, available = 0 } = estimateMemory({ ...sizes, storage: 'f32' }, provider, ONE_TEXT);
  const note = `On WASM the layers' matrices are kept in 8 bits: as float32, reading a text of ${ONE_TEXT.tokens} tokens would take ${gigabytes(total - parts.engine)} GB of the ${gigabytes(available)} GB that WASM has.`;
  const { model } = stored;
  return {
    ...stored,
    model: { ...model, report: { ...model.report, notes: [...(model.report.notes ?? []), note] } },
  };
}

const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);

/**
 * What 8 bits change in an opened model. @throws InputError where none is open or it is an ONNX export; CancelledError
 */
export async function storageErrors(
  { models, runtime }: Pick<Opened, 'models' | 'runtime'>,
  opened: OpenedModel | undefined,
  options: CallOptions = {},
): Promise<StorageErrors> {
  const int8 = storedAs(opened, 'int8');
  const f32 = storedAs(opened, 'f32');
  const weights = await weightErrors(f32.model, options);
  const { fits } = estimateMemory(sizesOf(f32.model.config), runtime.provider, {
    ...{ kind: 'see', sequences: 1 },
    tokens: f32.tokenizer.encode(COMPARED_TEXT).length,
  });
  if (!fits) return { weights, states: null };
  const own = opened as OpenedModel;
  const isInt8 = own.model.config.storage === 'int8';
  const states = await gathered(models, isInt8 ? f32 : own, !isInt8, options);
  const others = await gathered(models, isInt8 ? own : int8, isInt8, options);
  return { weights, states: await compared(states, others, options) };
}

/** Relative error of the matrices of the first, the middle and the last layer. */
async function weightErrors(
  { config: { layers: L }, weights }: LoadedModel,
  { signal }: CallOptions,
): Promise<StorageErrors['weights']> {
  const layers = [...new Set([1, Math.ceil(L / 2), L])];
  let [difference, size] = [0, 0];
  for (const [name, { shape }] of weights.tensors) {
    if (!isLayerMatrix(name, shape) || !layers.includes(1 + Number(name.split('.')[1]))) continue;
    await yieldToEventLoop();
    throwIfCancelled(signal, WHAT);
    const values = floatsOf(weights.read(name));
    const kept = throughBlocks(values, shape[1] as number);
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      difference += ((kept[i] as number) - value) ** 2;
      size += value ** 2;
    }
  }
  return { error: ratio(difference, size), layers };
}

const ratio = (difference: number, size: number): number => (size === 0 ? 0 : Math.sqrt(difference / size));

/** Hidden states of the text. @param stays whether the model is the opened one, and not on the device for this only */
async function gathered(
  models: Opened['models'],
  opened: OpenedModel,
  stays: boolean,
  { signal }: CallOptions,
): Promise<GatheredStates> {
  const resolved = resolveSubject({ kind: 'opened' }, { opened, checkpoints: new Map() });
  const text = { id: 'text-1', about: COMPARED_TEXT, text: COMPARED_TEXT };
  try {
    return await gatherStates(models, resolved, [text], ['text'], { ...(signal && { signal }) });
  } finally {
    if (!stays) await models.close(opened.model);
  }
}

async function compared(
  f32: GatheredStates,
  int8: GatheredStates,
  { signal }: CallOptions,
): Promise<StatesErrors> {
  const { layers: L, hidden: H } = f32;
  const [a, b] = [f32, int8].map(({ samples }) => samples[0]?.states as Float32Array) as [
    Float32Array,
    Float32Array,
  ];
  const [difference, size] = [new Float64Array(L), new Float64Array(L)];
  for (let i = 0; i < a.length; i++) {
    const layer = Math.floor(i / H) % L;
    difference[layer] = (difference[layer] as number) + ((b[i] as number) - (a[i] as number)) ** 2;
    size[layer] = (size[layer] as number) + (a[i] as number) ** 2;
  }
  const sum = (values: Float64Array): number => values.reduce((x, y) => x + y, 0);
  const errors = Array.from(difference, (d, l) => ratio(d, size[l] as number));
  const most = errors.reduce((at, error, l) => (error > (errors[at] as number) ? l : at), 0);
  const ranks = async (states: GatheredStates): Promise<number[][]> => {
    const matrices = stacked(states, { stack: 'layer', layers: allLayers(L), centre: false });
    const { spectra } = await matrixSpectra(matrices, H, { ...(signal && { signal }) });
    return spectra.map(({ energyRanks }) => [...energyRanks]);
  };
  const [before, after] = [await ranks(f32), await ranks(int8)];
  return {
    text: COMPARED_TEXT,
    tokens: f32.samples[0]?.tokens ?? 0,
    error: ratio(sum(difference), sum(size)),
    largest: { layer: most + 1, error: errors[most] as number },
    ranks: ENERGY_SHARES.map((share, i) => ({
      share,
      f32: before.map((layer) => layer[i] as number),
      int8: after.map((layer) => layer[i] as number),
    })),
  };
}

const WHAT = 'comparing storages';
