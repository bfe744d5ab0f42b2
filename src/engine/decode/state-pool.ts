import { DTYPE_BYTES } from '../base/dtype';
import { MemoryError } from '../base/errors';
import { sizeOf } from '../base/shape';
import type { Binding } from '../runtime/executable';
import type { DeviceTensor } from '../runtime/tensor';
import { DecoderState, type StateTensors } from './state';

/** Bytes that all states of one decoder may take together. */
export const MAX_STATE_BYTES = 512 * 2 ** 20;

/** The live states of one decoder, and the tensors of disposed ones. */
export class StatePool {
  private readonly states = new Set<DecoderState>();
  /**
   * By name, for later steps to write into. Pooled in host memory too: allocating at every step made decoding
   * take 1.4 times as long.
   */
  private readonly spare = new Map<string, DeviceTensor[]>();

  constructor(private readonly maxBytes: number) {}

  /** Bytes of all live states. */
  get bytes(): number {
    let sum = 0;
    for (const state of this.states) sum += state.bytes;
    return sum;
  }

  /** Bytes of the tensors that belong to no state. */
  get spareBytes(): number {
    let sum = 0;
    for (const tensors of this.spare.values()) for (const tensor of tensors) sum += bytesOf(tensor);
    return sum;
  }

  /**
   * Spare tensors for a program's outputs, as far as there are any.
   * @throws MemoryError if the kept states leave no room for another; two always fit
   */
  take(outputs: ReadonlyMap<string, Binding>, mask: Float32Array<ArrayBuffer>): Record<string, DeviceTensor> {
    let more = mask.byteLength;
    for (const output of outputs.values()) more += bytesOf(output);
    const { bytes } = this;
    if (this.states.size >= 2 && bytes + more > this.maxBytes)
      throw new MemoryError(
        `${this.states.size} decoder states take ${bytes} bytes; at most ${this.maxBytes} may be kept`,
        'Close branches that are no longer needed.',
      );
    const found: Record<string, DeviceTensor> = {};
    for (const name of outputs.keys()) {
      const tensor = this.spare.get(name)?.pop();
      if (tensor) found[name] = tensor;
    }
    return found;
  }

  /** A state with these tensors, which return to the pool once it is disposed of. */
  add(
    { column, skipped }: Pick<DecoderState, 'column' | 'skipped'>,
    mask: Float32Array<ArrayBuffer>,
    tensors: StateTensors,
    room: number,
  ): DecoderState {
    const state = new DecoderState(column, mask, tensors, room, skipped, (gone, left) =>
      this.freed(gone, left),
    );
    this.states.add(state);
    return state;
  }

  /** Frees everything, including remaining states. */
  dispose(): void {
    for (const state of [...this.states]) state.dispose();
    for (const tensor of [...this.spare.values()].flat()) tensor.dispose();
    this.spare.clear();
  }

  /** Returns tensors that belong to no state, for the next step to write into. */
  giveBack(tensors: StateTensors): void {
    for (const [name, tensor] of Object.entries(tensors)) {
      const list = this.spare.get(name);
      if (list) list.push(tensor);
      else this.spare.set(name, [tensor]);
    }
  }

  private freed(state: DecoderState, tensors: StateTensors): void {
    this.states.delete(state);
    this.giveBack(tensors);
  }
}

const bytesOf = ({ dtype, shape }: Binding): number => DTYPE_BYTES[dtype] * sizeOf(shape);
