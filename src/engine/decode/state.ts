import { DTYPE_BYTES } from '../base/dtype';
import { BUG, RuntimeError } from '../base/errors';
import { sizeOf } from '../base/shape';
import type { DeviceTensor } from '../runtime/tensor';

/** A state's tensors on the device: `last`, `k.{i}`, `v.{i}`, and `hidden` if it was requested. */
export type StateTensors = Readonly<Record<string, DeviceTensor>>;

/**
 * B sequences read up to some position: keys and values, which of them are visible, and the last hidden states. It is
 * immutable: advancing it makes another one, so that keeping a state keeps a branch, and any number of continuations may
 * start from it. Whoever made it disposes of it, once.
 */
export class DecoderState {
  private gone = false;

  constructor(
    /** Column of the next position. */
    readonly column: number,
    /** Additive, [B, T]: 0 where a key is visible. Must not be changed. */
    readonly mask: Float32Array<ArrayBuffer>,
    private readonly values: StateTensors,
    /** Positions left before the cache is full. */
    readonly room: number,
    /** Positions left unused so far: the next position is its column plus this number. */
    readonly skipped: number,
    private readonly free: (state: DecoderState, tensors: StateTensors) => void,
  ) {}

  /** Must not be written to. @throws RuntimeError after `dispose` */
  get tensors(): StateTensors {
    if (this.gone) throw new RuntimeError('a decoder state was used after it had been disposed of', BUG);
    return this.values;
  }

  get bytes(): number {
    let sum = this.mask.byteLength;
    for (const { dtype, shape } of Object.values(this.values)) sum += DTYPE_BYTES[dtype] * sizeOf(shape);
    return sum;
  }

  dispose(): void {
    const tensors = this.tensors;
    this.gone = true;
    this.free(this, tensors);
  }
}
