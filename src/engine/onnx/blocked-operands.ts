import { BLOCK } from '../base/blocks';
import type { Tensor } from '../graph/graph';
import type { LateWeight } from './late-weight';
import type { ModelWriter } from './model';

const BOOL = 9;

/**
 * Operands that are kept in 8 bits: each use has a DequantizeLinear of its own, so that the float32 matrix is there for
 * that use alone. ONNX Runtime runs nodes that wait for nothing first, which would make all matrices of a program at once;
 * so the scales pass through a Where that waits for another operand, and is the same scales either way.
 */
export class BlockedOperands {
  private readonly kept = new Map<Tensor, { readonly multiples: string; readonly scales: string }>();
  /** The value computed last. */
  private latest: Tensor | undefined;

  constructor(
    private readonly model: ModelWriter,
    private readonly values: ReadonlyMap<Tensor, string>,
  ) {}

  add(node: Tensor, weight: LateWeight): void {
    this.kept.set(node, this.model.blocks(weight, node.name));
  }

  /** The name of a value, for an instruction with those operands. */
  operand(x: Tensor, operands: readonly Tensor[]): string {
    const kept = this.kept.get(x);
    if (!kept) {
      if (isActivation(x)) this.latest = x;
      return this.values.get(x) as string;
    }
    const before = operands.find((other) => isActivation(other)) ?? this.latest;
    const scales = before ? this.after(before, kept.scales) : kept.scales;
    return this.model.node('DequantizeLinear', [kept.multiples, scales], { axis: 1, block_size: BLOCK });
  }

  /** The same scales, once that value is there. */
  private after(value: Tensor, scales: string): string {
    const { model } = this;
    const list = (n: number): string => model.integers(value.shape.map(() => n));
    const axes = model.integers(value.shape.map((_, axis) => axis));
    const corner = model.node('Slice', [this.values.get(value) as string, list(0), list(1), axes]);
    const one = model.node('Reshape', [corner, model.integers([1])]);
    return model.node('Where', [model.node('Cast', [one], { to: BOOL }), scales, scales]);
  }
}

const isActivation = (x: Tensor): boolean =>
  x.op !== 'input' && x.op !== 'constant' && x.dtype === 'f32' && x.shape.length > 0;
