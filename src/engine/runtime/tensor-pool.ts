import { type Shape, showShape } from '../base/shape';
import type { Runtime } from './runtime';
import type { DeviceTensor } from './tensor';

/**
 * f32 tensors that a run of programs borrows and returns, by shape: created when first needed and reused by
 * every later run, in the same order. `take` returns a tensor with arbitrary contents; the taker gives it
 * back or keeps it until the end.
 */
export class TensorPool {
  private readonly free = new Map<string, DeviceTensor[]>();
  private readonly lent = new Set<DeviceTensor>();

  constructor(private readonly runtime: Runtime) {}

  take(shape: Shape, label: string): DeviceTensor {
    const tensor = this.free.get(showShape(shape))?.pop() ?? this.runtime.empty('f32', shape, label);
    this.lent.add(tensor);
    return tensor;
  }

  /** Takes back tensors from `take`. Anything else (a constant, say) is ignored, so that callers need not distinguish. */
  give(...tensors: readonly (DeviceTensor | undefined)[]): void {
    for (const tensor of tensors) {
      if (!tensor || !this.lent.delete(tensor)) continue;
      const key = showShape(tensor.shape);
      const list = this.free.get(key) ?? [];
      list.push(tensor);
      this.free.set(key, list);
    }
  }

  /** Takes back everything lent, after a run or after one that failed half-way. */
  reclaim(): void {
    this.give(...this.lent);
  }

  dispose(): void {
    this.reclaim();
    for (const tensor of [...this.free.values()].flat()) tensor.dispose();
    this.free.clear();
  }
}
