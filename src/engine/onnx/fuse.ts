import { sameShape } from '../base/shape';
import { liveNodes, type Tensor } from '../graph/graph';
import type { Attributes, OpKind } from '../graph/shape-rules';

export type Provider = 'wasm' | 'webgpu';

/** What is emitted for one node: usually its own operation, or one that absorbs operands used nowhere else. */
export interface Instruction {
  readonly node: Tensor;
  readonly op: OpKind | 'reduceMean' | 'reduceSumSquare' | 'tiles' | 'inverseRms';
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes;
}

interface Context {
  readonly provider: Provider;
  /** Whether the program also computes the sigmoid of x. */
  hasSigmoid(x: Tensor): boolean;
  /** The rmsNorm of x with that epsilon, if the program computes one. */
  rmsNormOf(x: Tensor, epsilon: number): Tensor | undefined;
  /** The instruction of an operand that nothing else needs. */
  swallow(x: Tensor): Instruction | undefined;
}
type Fusion = (node: Tensor, context: Context) => Omit<Instruction, 'node'> | undefined;

const scalarOf = (x: Tensor | undefined): number | undefined =>
  x?.op === 'constant' && x.dtype === 'f32' && x.data?.length === 1 ? x.data[0] : undefined;

/** s·(alpha·A·B + beta·C) of one product. Only Gemm, and FusedMatMul of the WASM provider, take a factor. */
function scaleProduct(
  x: Tensor,
  s: number,
  { provider, swallow }: Context,
): Omit<Instruction, 'node'> | undefined {
  const product = swallow(x);
  if (!product || !(product.op === 'gemm' || (product.op === 'matmul' && provider === 'wasm')))
    return undefined;
  const { alpha = 1, beta = 1 } = product.attributes as { alpha?: number; beta?: number };
  const attributes = { ...product.attributes, alpha: alpha * s, beta: beta * s };
  return { op: product.op, inputs: product.inputs, attributes };
}

/** A·B + c if the product has no addend yet: saves one pass over the result. */
function addToProduct(
  x: Tensor,
  c: Tensor,
  node: Tensor,
  { swallow }: Context,
): Omit<Instruction, 'node'> | undefined {
  if (!sameShape(x.shape, node.shape)) return undefined;
  const product = swallow(x);
  if (product?.op !== 'gemm' || product.inputs.length !== 2) return undefined;
  return { op: 'gemm', inputs: [...product.inputs, c], attributes: { ...product.attributes, beta: 1 } };
}

/**
 * Gradients of adjacent slices, each zero-padded to the whole and then summed, are their concatenation: `tiles`
 * joins its operands along an axis, with zeros before and after.
 */
function joinTiles(a: Tensor, b: Tensor, { swallow }: Context): Omit<Instruction, 'node'> | undefined {
  if (!sameShape(a.shape, b.shape)) return undefined;
  const [x, y] = [swallow(a), swallow(b)];
  const isTile = (i: Instruction | undefined) => i?.op === 'pad' || i?.op === 'tiles';
  if (!x || !y || !isTile(x) || !isTile(y) || x.attributes.axis !== y.attributes.axis) return undefined;
  const size = a.shape[x.attributes.axis as number] as number;
  for (const [first, second] of [
    [x, y],
    [y, x],
  ] as const) {
    if (size - (first.attributes.after as number) !== second.attributes.before) continue;
    const { axis, before } = first.attributes as { axis: number; before: number };
    const attributes = { axis, before, after: second.attributes.after as number };
    return { op: 'tiles', inputs: [...first.inputs, ...second.inputs], attributes };
  }
  return undefined;
}

/** x of Σ x² · 1/n + ε over the last axis, with ε; undefined for anything else. */
function meanSquare(sum: Tensor): { x: Tensor; epsilon: number } | undefined {
  const [mean, epsilon] = [sum.inputs[0], scalarOf(sum.inputs[1])];
  if (sum.op !== 'add' || mean?.op !== 'mul' || epsilon === undefined) return undefined;
  const [total, share] = [mean.inputs[0], scalarOf(mean.inputs[1])];
  const square = total?.op === 'reduceSum' ? total.inputs[0] : undefined;
  if (!total?.attributes.keepDims || square?.op !== 'mul' || square.inputs[0] !== square.inputs[1])
    return undefined;
  const x = square.inputs[0] as Tensor;
  const axes = total.attributes.axes as readonly number[];
  const isMean = axes.length === 1 && axes[0] === x.shape.length - 1;
  return isMean && share === Math.fround(1 / (x.shape.at(-1) as number)) ? { x, epsilon } : undefined;
}

const FUSIONS: Partial<Record<OpKind, Fusion>> = {
  mul: (node, context) => {
    const [a, b] = node.inputs as [Tensor, Tensor];
    for (const [x, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const s = scalarOf(other);
      if (s === undefined || !sameShape(x.shape, node.shape)) continue;
      const sum = context.swallow(x);
      if (sum?.op === 'reduceSum') {
        const axes = sum.attributes.axes as readonly number[];
        const count = axes.reduce((n, axis) => n * (sum.inputs[0]?.shape[axis] as number), 1);
        if (s === Math.fround(1 / count)) return { ...sum, op: 'reduceMean' };
      }
      const scaled = scaleProduct(x, s, context);
      if (scaled) return scaled;
    }
    return undefined;
  },
  // Its gradient needs the sigmoid too, which is then computed once.
  silu: ({ inputs }, { hasSigmoid }) =>
    hasSigmoid(inputs[0] as Tensor) ? { op: 'silu', inputs, attributes: { bySigmoid: true } } : undefined,
  // The norm's gradient needs 1/rms, which the WASM provider's norm outputs as well (WebGPU's outputs it wrongly).
  reciprocal: (node, { provider, rmsNormOf }) => {
    const root = node.inputs[0] as Tensor;
    const found =
      root.op === 'sqrt' && provider === 'wasm' ? meanSquare(root.inputs[0] as Tensor) : undefined;
    const norm = found && rmsNormOf(found.x, found.epsilon);
    return norm && norm.id < node.id ? { op: 'inverseRms', inputs: [norm], attributes: {} } : undefined;
  },
  neg: (node, context) => scaleProduct(node.inputs[0] as Tensor, -1, context),
  add: (node, context) => {
    const [a, b] = node.inputs as [Tensor, Tensor];
    return joinTiles(a, b, context) ?? addToProduct(a, b, node, context) ?? addToProduct(b, a, node, context);
  },
  reduceSum: (node, context) => {
    const square = context.swallow(node.inputs[0] as Tensor);
    if (square?.op !== 'mul' || square.inputs[0] !== square.inputs[1]) return undefined;
    return { op: 'reduceSumSquare', inputs: [square.inputs[0] as Tensor], attributes: node.attributes };
  },
};

/** The instructions of a program in topological order, dead code left out. */
export function instructionsOf(outputs: readonly Tensor[], provider: Provider): Instruction[] {
  const nodes = liveNodes(outputs);
  const uses = new Map<Tensor, number>();
  for (const x of [...outputs, ...nodes.flatMap((node) => node.inputs)]) uses.set(x, (uses.get(x) ?? 0) + 1);
  const sigmoids = new Set(
    nodes.filter((node) => node.op === 'sigmoid').map((node) => node.inputs[0] as Tensor),
  );
  const norms = new Map<Tensor, Tensor[]>();
  for (const node of nodes)
    if (node.op === 'rmsNorm') {
      const x = node.inputs[0] as Tensor;
      norms.set(x, [...(norms.get(x) ?? []), node]);
    }
  const instructions = new Map<Tensor, Instruction>();
  const context: Context = {
    provider,
    rmsNormOf: (x, epsilon) =>
      norms.get(x)?.find(({ attributes }) => Math.fround(attributes.epsilon as number) === epsilon),
    hasSigmoid: (x) => sigmoids.has(x),
    swallow: (x) => (uses.get(x) === 1 ? instructions.get(x) : undefined),
  };
  for (const node of nodes) {
    const fused = FUSIONS[node.op]?.(node, context);
    const own = { op: node.op, inputs: node.inputs, attributes: node.attributes };
    instructions.set(node, { ...(fused ?? own), node });
  }

  const live = new Set<Tensor>();
  const stack = [...outputs];
  while (stack.length > 0) {
    const node = stack.pop() as Tensor;
    if (live.has(node)) continue;
    live.add(node);
    stack.push(...(instructions.get(node) as Instruction).inputs);
  }
  return nodes.filter((node) => live.has(node)).map((node) => instructions.get(node) as Instruction);
}
