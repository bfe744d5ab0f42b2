import type { HostTensor } from '../base/dtype';
import { BUG, FileError } from '../base/errors';
import { checkFinite } from './finite';
import { elementsOf, type FloatDType } from './float';
import { quote } from './json';
import type { TensorLocation } from './locate';
import { checkFloat, STORED_DTYPES } from './safetensors';

/**
 * The tensors of a checkpoint, read from its files on request, and not kept. Each is checked for NaN and
 * infinities until all of it has been read once.
 */
export class StoredWeights {
  private readonly checked = new Set<string>();

  /** @param tensors in sources that can be read synchronously (`readSync`) */
  constructor(private readonly tensors: ReadonlyMap<string, TensorLocation>) {}

  /** The dtype in which it is stored. */
  dtype(name: string): FloatDType {
    return checkFloat(this.locate(name).entry);
  }

  /**
   * Rows [from, to) of a tensor, all by default, as stored.
   * @throws FileError if the file is gone or has changed, NumericError for values that are not finite, naming
   * the tensor
   */
  read(name: string, from = 0, to = this.locate(name).entry.shape[0] ?? 1): HostTensor {
    const { source, entry } = this.locate(name);
    const dtype = checkFloat(entry);
    const [rows = 1, ...rest] = entry.shape;
    const width = rest.reduce((n, d) => n * d, STORED_DTYPES.get(dtype)?.bytes ?? 0);
    if (!source.readSync)
      throw new FileError(`tensor ${quote(name)} lies in a file that cannot be read at once`, BUG);
    const data = elementsOf(source.readSync(entry.begin + from * width, (to - from) * width), dtype);
    const tensor = { dtype, shape: [to - from, ...rest], data } as HostTensor;
    if (!this.checked.has(name)) {
      checkFinite(name, tensor);
      if (from === 0 && to === rows) this.checked.add(name);
    }
    return tensor;
  }

  private locate(name: string): TensorLocation {
    const found = this.tensors.get(name);
    if (!found) throw new FileError(`there is no tensor ${quote(name)}`, BUG);
    return found;
  }
}
