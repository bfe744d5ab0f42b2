import { BLOCK, HIGH } from '../base/blocks';
import { type BoundBits, type BoundPart, formOf } from '../base/kept';
import type { Tensor } from '../graph/graph';
import type { Instruction, Provider } from './fuse';
import type { LateWeight } from './late-weight';
import type { KeptNames, ModelWriter } from './model';

const F32 = 1;
const BOOL = 9;

/**
 * Operands that are kept other than as one float32 matrix: of fewer bits, each use makes the float32 matrix for that use alone. ONNX Runtime runs nodes
 * that wait for nothing first, which would make all matrices of a program at once; so what is small of a matrix, its scales or
 * its shape, passes through a Where that waits for another operand, and is the same either way.
 */
export class KeptOperands {
  private readonly kept = new Map<Tensor, KeptNames>();
  /** Of those that are bound in several. */
  private readonly pieces = new Map<Tensor, readonly Piece[]>();
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

  /** Adds an input that is bound in those parts. */
  bind(node: Tensor, bits: BoundBits, parts: readonly BoundPart[], inputOf: (name: string) => string): void {
    const starts = [...new Set(parts.map(({ from }) => from))];
    const pieces = starts.map((from) => {
      const own = parts.filter((part) => part.from === from);
      return { rows: (own[0] as BoundPart).shape[0], ...this.model.bound(own, bits, inputOf) };
    });
    const [whole] = pieces as [Piece];
    if (pieces.length === 1) this.kept.set(node, whole);
    else this.pieces.set(node, pieces);
  }

  /** The name of a value, for an instruction with those operands. */
  operand(x: Tensor, operands: readonly Tensor[]): string {
    const kept = this.kept.get(x);
    const pieces = this.pieces.get(x);
    if (!kept && !pieces) {
      if (isActivation(x)) this.latest = x;
      return this.values.get(x) as string;
    }
    const value = this.waitedFor(operands.find((other) => isActivation(other) && !this.pieces.has(other)));
    if (kept) return this.widened(kept, x, value);
    const all = (pieces as readonly Piece[]).map((piece) => this.rowsOf(piece, x, value));
    return this.joined(all, 0);
  }

  /** What a matrix waits for: an operand, or else the value computed last. */
  private waitedFor(operand: Tensor | undefined): Value | undefined {
    const before = operand ?? this.latest;
    return before && { name: this.values.get(before) as string, rank: before.shape.length };
  }

  /** Rows of a matrix in pieces are rows of its pieces, so that no tensor has all of it. False for any other instruction. */
  slice({ op, node, inputs, attributes }: Instruction): boolean {
    const pieces = op === 'slice' && attributes.axis === 0 && this.pieces.get(inputs[0] as Tensor);
    if (!pieces) return false;
    const { start, end } = attributes as { start: number; end: number };
    let row = 0;
    const own = pieces.flatMap((piece): Piece[] => {
      const [from, to] = [Math.max(0, start - row), Math.min(piece.rows, end - row)];
      row += piece.rows;
      if (from >= to) return [];
      const first = piece.from ?? 0;
      const isWhole = piece.from === undefined && to - from === piece.rows;
      return [{ ...piece, rows: to - from, ...(!isWhole && { from: first + from }) }];
    });
    this.pieces.set(node, own);
    return true;
  }

  /**
   * The product x·Wᵀ or x·W with a matrix in pieces. Of those in fewer bits one is float32 at a time: each waits for the product
   * with the one before it. Undefined for any other instruction.
   */
  product({ op, inputs, attributes }: Instruction): string | undefined {
    const [x, matrix, addend] = inputs as readonly [Tensor, Tensor, Tensor?];
    const pieces = op === 'gemm' && this.pieces.get(matrix);
    if (!pieces || this.pieces.has(x) || attributes.transA) return undefined;
    const { transB = false, alpha = 1, beta = 1 } = attributes as Record<string, number | boolean>;
    const own = { transA: 0, transB: Number(transB), alpha: { float: alpha as number } };
    const { model } = this;
    const from = this.operand(x, [x]);
    let before = this.waitedFor(isActivation(x) ? x : undefined);
    let row = 0;
    const products = pieces.map((piece, i) => {
      const end = row + piece.rows;
      const left = transB
        ? from
        : model.node('Slice', [from, ...[row, end, 1].map((n) => model.integers([n]))]);
      const sum = i > 0 && !transB && before ? [before.name] : [];
      const operands = [left, this.rowsOf(piece, matrix, before), ...sum];
      const name = model.node('Gemm', operands, { ...own, beta: { float: 1 } });
      before = { name, rank: 2 };
      row = end;
      return name;
    });
    const y = transB ? this.joined(products, 1) : (products.at(-1) as string);
    if (!addend) return y;
    const c = this.operand(addend, inputs);
    const scale = (): string => model.initializer('f32', [], Float32Array.of(beta as number));
    return model.node('Add', [y, beta === 1 ? c : model.node('Mul', [c, scale()])]);
  }

  /** The rows of a piece that are read. */
  private rowsOf(piece: Piece, x: Tensor, before: Value | undefined): string {
    const { model } = this;
    const all = this.widened(piece, x, before);
    if (piece.from === undefined) return all;
    return model.node('Slice', [
      all,
      ...[piece.from, piece.from + piece.rows, 0].map((n) => model.integers([n])),
    ]);
  }

  /** Values laid end to end along an axis. */
  private joined(values: readonly string[], axis: number): string {
    return values.length === 1 ? (values[0] as string) : this.model.node('Concat', values, { axis });
  }

  /** A matrix, or a piece of it, as float32 once a value is there; what is float32 is as it is. */
  private widened(kept: KeptNames, x: Tensor, before: Value | undefined): string {
    if ('values' in kept) return kept.values;
    const { model } = this;
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
  private after({ name, rank }: Value, same: string): string {
    const { model } = this;
    const axes = Array.from({ length: rank }, (_, axis) => axis);
    const list = (n: number): string => model.integers(axes.map(() => n));
    const corner = model.node('Slice', [name, list(0), list(1), model.integers(axes)]);
    const one = model.node('Reshape', [corner, model.integers([1])]);
    return model.node('Where', [model.node('Cast', [one], { to: BOOL }), same, same]);
  }
}

/** A value of the model, of so many axes. */
interface Value {
  readonly name: string;
  readonly rank: number;
}

/** Rows of a matrix that is bound in pieces: `rows` of the piece, all, or from the `from`-th. */
type Piece = KeptNames & { readonly rows: number; readonly from?: number };

const isActivation = (x: Tensor): boolean =>
  x.op !== 'input' && x.op !== 'constant' && x.dtype === 'f32' && x.shape.length > 0;
