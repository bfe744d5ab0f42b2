import type { DeviceReport } from '../../../contract/events';
import { estimateMemory, ONE_TEXT, usualStorage } from '../../../contract/memory';
import { STORAGE_SHORT, WEIGHT_STORAGES, type WeightStorage } from '../../../contract/weight-storage';
import { gigabytes } from '../../../text/figures';
import { listed, quote } from '../../../text/quote';
import { InputError } from '../../base/errors';
import { sizesOf } from './fits';
import type { OpenedModel } from './subjects';

type Provider = DeviceReport['provider'];

/**
 * The model with its layers' matrices in this storage; a new object, so that results of the old one are not
 * mistaken for its own. @throws InputError for another storage, and for an ONNX export
 */
export function storedAs(opened: OpenedModel | undefined, storage: WeightStorage): OpenedModel {
  const { model } = checked(opened, storage);
  const { config, report } = model;
  const { storage: _, ...plain } = config;
  return {
    ...(opened as OpenedModel),
    model: {
      ...model,
      config: storage === 'f32' ? plain : { ...plain, storage },
      report: { ...report, storage },
    },
  };
}

function checked(opened: OpenedModel | undefined, storage: WeightStorage): OpenedModel {
  if (!WEIGHT_STORAGES.includes(storage))
    throw new InputError(`there is no storage ${quote(storage)}`, `Choose ${listed(WEIGHT_STORAGES)}.`);
  if (!opened) throw new InputError('no checkpoint is open', 'Open one from its files in the Model panel.');
  if (opened.model.onnx)
    throw new InputError(
      'an ONNX export runs with its own weights',
      'Open the checkpoint it was exported from, or an export with other weights.',
    );
  return opened;
}

/** The storage on opening: float32 if a text can then be read, else as many bits as allow that, with a note. */
export function usuallyStored(opened: OpenedModel, provider: Provider = 'wasm'): OpenedModel {
  if (opened.model.onnx) return opened;
  const sizes = sizesOf(opened.model.config);
  const storage = usualStorage(sizes, provider);
  const stored = storedAs(opened, storage);
  if (storage === 'f32') return stored;
  const { total, parts, available = 0 } = estimateMemory({ ...sizes, storage: 'f32' }, provider, ONE_TEXT);
  const note = `On WASM the layers' matrices are kept in ${STORAGE_SHORT[storage]}: as float32, reading a text of ${ONE_TEXT.tokens} tokens would take ${gigabytes(total - parts.engine)} of the ${gigabytes(available)} that WASM has.`;
  const { model } = stored;
  return {
    ...stored,
    model: { ...model, report: { ...model.report, notes: [...(model.report.notes ?? []), note] } },
  };
}
