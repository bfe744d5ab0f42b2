import { DTYPE_BYTES } from '../base/dtype';
import { MemoryError } from '../base/errors';
import { sizeOf } from '../base/shape';
import type { Binding } from '../runtime/executable';
import type { DeviceTensor } from '../runtime/tensor';
import { DecoderState, type StateTensors } from './state';

/** What all states of one decoder may take together. */
export const MAX_STATE_BYTES = 512 * 2 ** 20;

/** The states of one decoder that are alive, and the tensors of those that are gone. */
export class StatePool {
  private readonly states = new Set<DecoderState>();
  /**
   * By name; a step writes into them. In host memory too, where they could be had anew at every step, for which decoding
   * took 1.4 times as long.
   */
  private readonly spare = new Map<string, DeviceTensor[]>();

  constructor(private readonly maxBytes: number) {}

  /** Bytes of all states that are alive. */
  get bytes(): number {
    let sum = 0;
    for (const state of this.states) sum += state.bytes;
    return sum;
  }

  /** Bytes of the tensors that no state has. */
  get spareBytes(): number {
    let sum = 0;
    for (const tensors of this.spare.values()) for (const tensor of tensors) sum += bytesOf(tensor);
    return sum;
  }

  /**
   * Of the outputs of a program those that a state which is gone has left.
   * @throws MemoryError where the states that are kept leave no room for another; two always fit
   */
  take(outputs: ReadonlyMap<string, Binding>, mask: Float32Array<ArrayBuffer>): Record<string, DeviceTensor> {
    let more = mask.byteLength;
    for (const output of outputs.values()) more += bytesOf(output);
    const { bytes } = this;
    if (this.states.size >= 2 && bytes + more > this.maxBytes)
      throw new MemoryError(
        `${this.states.size} states of the decoder take ${bytes} bytes; at most ${this.maxBytes} may be kept`,
        'Close branches that are not needed any more.',
      );
    const found: Record<string, DeviceTensor> = {};
    for (const name of outputs.keys()) {
      const tensor = this.spare.get(name)?.pop();
      if (tensor) found[name] = tensor;
    }
    return found;
  }

  /** A state of these tensors, which are the pool's again once it is disposed of. */
  add(column: number, mask: Float32Array<ArrayBuffer>, tensors: StateTensors, room: number): DecoderState {
    const state = new DecoderState(column, mask, tensors, room, (gone, left) => this.freed(gone, left));
    this.states.add(state);
    return state;
  }

  /** Frees all, states that are left included. */
  dispose(): void {
    for (const state of [...this.states]) state.dispose();
    for (const tensor of [...this.spare.values()].flat()) tensor.dispose();
    this.spare.clear();
  }

  /** Tensors that no state has: the next step may write into them. */
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
