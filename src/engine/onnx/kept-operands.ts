import { BLOCK, type BlockBits, HIGH } from '../base/blocks';
import { formOf } from '../base/kept';
import type { Tensor } from '../graph/graph';
import type { Provider } from './fuse';
import type { LateWeight } from './late-weight';
import type { KeptNames, ModelWriter } from './model';

const F32 = 1;
const BOOL = 9;

/**
 * Operands that are kept other than as float32: each use makes the float32 matrix for that use alone. ONNX Runtime runs nodes
 * that wait for nothing first, which would make all matrices of a program at once; so what is small of a matrix, its scales or
 * its shape, passes through a Where that waits for another operand, and is the same either way.
 */
export class KeptOperands {
  private readonly kept = new Map<Tensor, KeptNames>();
  /** The value computed last. */
  private latest: Tensor | undefined;

  constructor(
    private readonly model: ModelWriter,
    private readonly values: ReadonlyMap<Tensor, string>,
    private readonly provider: Provider,
  ) {}

  /** Adds an input that is kept so, if the weight says that it is. */
  add(node: Tensor, weight: LateWeight): boolean {
    if (!weight.storage) return false;
    const form = formOf(weight.storage, this.provider);
    this.kept.set(node, this.model.kept(weight, node.name, form));
    return true;
  }

  /** Adds an input that is bound in parts. */
  bind(node: Tensor, bits: BlockBits, inputOf: (name: string) => string): void {
    this.kept.set(node, this.model.bound(node.name, node.shape as [number, number], bits, inputOf));
  }

  /** The name of a value, for an instruction with those operands. */
  operand(x: Tensor, operands: readonly Tensor[]): string {
    const kept = this.kept.get(x);
    if (!kept) {
      if (isActivation(x)) this.latest = x;
      return this.values.get(x) as string;
    }
    const { model } = this;
    const before = operands.find((other) => isActivation(other)) ?? this.latest;
    const late = (small: string): string => (before ? this.after(before, small) : small);
    if ('halves' in kept) {
      const same = model.node('Reshape', [kept.halves, late(model.integers(x.shape))]);
      return model.node('Cast', [same], { to: F32 });
    }
    const scales = late(kept.scales);
    const zero = kept.zero === undefined ? [] : [kept.zero];
    const widened = (multiples: string, by: string): string =>
      model.node('DequantizeLinear', [multiples, by, ...zero], { axis: 1, block_size: BLOCK });
    if ('multiples' in kept) return widened(kept.multiples, scales);
    const upper = model.node('Mul', [scales, model.initializer('f32', [], Float32Array.of(HIGH))]);
    return model.node('Add', [widened(kept.high, upper), widened(kept.low, scales)]);
  }

  /** The same value, once another one is there. */
  private after(value: Tensor, same: string): string {
    const { model } = this;
    const list = (n: number): string => model.integers(value.shape.map(() => n));
    const axes = model.integers(value.shape.map((_, axis) => axis));
    const corner = model.node('Slice', [this.values.get(value) as string, list(0), list(1), axes]);
    const one = model.node('Reshape', [corner, model.integers([1])]);
    return model.node('Where', [model.node('Cast', [one], { to: BOOL }), same, same]);
  }
}

const isActivation = (x: Tensor): boolean =>
  x.op !== 'input' && x.op !== 'constant' && x.dtype === 'f32' && x.shape.length > 0;
