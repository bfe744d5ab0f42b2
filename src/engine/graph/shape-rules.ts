import type { GraphDType } from '../base/dtype';
import { ShapeError } from '../base/errors';
import { broadcastShape, normalAxis, type Shape, showShape, sizeOf } from '../base/shape';

/** The closed set of operations; each has a shape rule, a gradient rule, an interpretation and an ONNX lowering. */
export const OP_KINDS = [
  'input',
  'constant',
  'neg',
  'exp',
  'log',
  'sqrt',
  'reciprocal',
  'abs',
  'sigmoid',
  'silu',
  'tanh',
  'erf',
  'relu',
  'stopGradient',
  'withGradient',
  'add',
  'sub',
  'mul',
  'div',
  'equal',
  'greater',
  'where',
  'cast',
  'reduceSum',
  'reduceMax',
  'softmax',
  'reshape',
  'transpose',
  'expand',
  'concat',
  'slice',
  'pad',
  'gather',
  'scatterAdd',
  'matmul',
  'gemm',
  'rmsNorm',
  'rope',
] as const;
export type OpKind = (typeof OP_KINDS)[number];

export type Attributes = Readonly<Record<string, number | boolean | string | readonly number[]>>;

export interface Operand {
  readonly shape: Shape;
  readonly dtype: GraphDType;
}
type Rule = (inputs: readonly Operand[], attributes: Attributes) => { shape: Shape; dtype: GraphDType };

/** `inputs[i]`, checked. */
function operand(inputs: readonly Operand[], i: number): Operand {
  const x = inputs[i];
  if (!x) throw new ShapeError(`operand ${i} is missing`);
  return x;
}

function expectDtype(x: Operand, dtype: GraphDType, what: string): void {
  if (x.dtype !== dtype) throw new ShapeError(`${what} must be ${dtype}, not ${x.dtype}`);
}

export function axisOf(attributes: Attributes, rank: number): number {
  const axis = normalAxis(attributes.axis as number, rank);
  if (axis === undefined) throw new ShapeError(`axis ${attributes.axis} is outside rank ${rank}`);
  return axis;
}

const unary: Rule = (inputs) => {
  const x = operand(inputs, 0);
  expectDtype(x, 'f32', 'operand');
  return { shape: x.shape, dtype: 'f32' };
};

function broadcast(a: Operand, b: Operand): number[] {
  const shape = broadcastShape(a.shape, b.shape);
  if (!shape) throw new ShapeError(`shapes ${showShape(a.shape)} and ${showShape(b.shape)} do not broadcast`);
  return shape;
}

const binary: Rule = (inputs) => {
  const [a, b] = [operand(inputs, 0), operand(inputs, 1)];
  expectDtype(a, 'f32', 'first operand');
  expectDtype(b, 'f32', 'second operand');
  return { shape: broadcast(a, b), dtype: 'f32' };
};

const comparison: Rule = (inputs) => {
  const [a, b] = [operand(inputs, 0), operand(inputs, 1)];
  if (a.dtype !== b.dtype || a.dtype === 'bool')
    throw new ShapeError(`cannot compare ${a.dtype} with ${b.dtype}; both must be f32 or both i32`);
  return { shape: broadcast(a, b), dtype: 'bool' };
};

const reduction: Rule = (inputs, attributes) => {
  const x = operand(inputs, 0);
  expectDtype(x, 'f32', 'operand');
  const axes = attributes.axes as readonly number[];
  const sorted = [...new Set(axes)];
  if (sorted.length !== axes.length || axes.some((a) => !Number.isInteger(a) || a < 0 || a >= x.shape.length))
    throw new ShapeError(`axes ${showShape(axes)} are not distinct axes of rank ${x.shape.length}`);
  const shape = attributes.keepDims
    ? x.shape.map((d, i) => (axes.includes(i) ? 1 : d))
    : x.shape.filter((_, i) => !axes.includes(i));
  return { shape, dtype: 'f32' };
};

function matmulShape(a: Operand, b: Operand, attributes: Attributes): number[] {
  expectDtype(a, 'f32', 'first operand');
  expectDtype(b, 'f32', 'second operand');
  if (a.shape.length < 2 || b.shape.length < 2) throw new ShapeError('both operands need rank 2 or more');
  const [ar, ac] = a.shape.slice(-2) as [number, number];
  const [br, bc] = b.shape.slice(-2) as [number, number];
  const [m, k] = attributes.transA ? [ac, ar] : [ar, ac];
  const [k2, n] = attributes.transB ? [bc, br] : [br, bc];
  if (k !== k2) throw new ShapeError(`inner dimensions ${k} and ${k2} differ`);
  const lead = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (!lead) throw new ShapeError('batch dimensions do not broadcast');
  return [...lead, m, n];
}

export const SHAPE_RULES: Readonly<Record<OpKind, Rule>> = {
  input: () => {
    throw new ShapeError('inputs are made by Graph.input');
  },
  constant: () => {
    throw new ShapeError('constants are made by Graph.constant');
  },
  neg: unary,
  exp: unary,
  log: unary,
  sqrt: unary,
  reciprocal: unary,
  abs: unary,
  sigmoid: unary,
  silu: unary,
  tanh: unary,
  erf: unary,
  relu: unary,
  stopGradient: unary,
  /** The shape of its first operand; the others are what the gradient is taken with respect to. */
  withGradient: (inputs) => unary([operand(inputs, 0)], {}),
  add: binary,
  sub: binary,
  mul: binary,
  div: binary,
  equal: comparison,
  greater: comparison,
  where: (inputs) => {
    const [c, a, b] = [operand(inputs, 0), operand(inputs, 1), operand(inputs, 2)];
    expectDtype(c, 'bool', 'condition');
    expectDtype(a, 'f32', 'second operand');
    expectDtype(b, 'f32', 'third operand');
    return { shape: broadcast({ shape: broadcast(a, b), dtype: 'f32' }, c), dtype: 'f32' };
  },
  cast: (inputs, attributes) => ({ shape: operand(inputs, 0).shape, dtype: attributes.to as GraphDType }),
  reduceSum: reduction,
  reduceMax: reduction,
  /** Over the last axis. */
  softmax: (inputs) => {
    const x = operand(inputs, 0);
    if (x.shape.length === 0) throw new ShapeError('needs rank 1 or more');
    return unary(inputs, {});
  },
  reshape: (inputs, attributes) => {
    const x = operand(inputs, 0);
    const shape = attributes.shape as readonly number[];
    if (!shape.every((d) => Number.isInteger(d) && d > 0) || sizeOf(shape) !== sizeOf(x.shape))
      throw new ShapeError(`cannot reshape ${sizeOf(x.shape)} elements to ${showShape(shape)}`);
    return { shape, dtype: x.dtype };
  },
  transpose: (inputs, attributes) => {
    const x = operand(inputs, 0);
    const perm = attributes.perm as readonly number[];
    if (perm.length !== x.shape.length || [...perm].sort((a, b) => a - b).some((p, i) => p !== i))
      throw new ShapeError(`${showShape(perm)} is not a permutation of ${x.shape.length} axes`);
    return { shape: perm.map((p) => x.shape[p] as number), dtype: x.dtype };
  },
  expand: (inputs, attributes) => {
    const x = operand(inputs, 0);
    const shape = attributes.shape as readonly number[];
    const to = broadcastShape(x.shape, shape);
    if (!to || showShape(to) !== showShape(shape))
      throw new ShapeError(`cannot expand to ${showShape(shape)}`);
    return { shape, dtype: x.dtype };
  },
  concat: (inputs, attributes) => {
    const first = operand(inputs, 0);
    const axis = axisOf(attributes, first.shape.length);
    let total = 0;
    for (const x of inputs) {
      const fits =
        x.shape.length === first.shape.length && x.shape.every((d, i) => i === axis || d === first.shape[i]);
      if (!fits || x.dtype !== first.dtype) throw new ShapeError(`parts differ off axis ${axis}`);
      total += x.shape[axis] as number;
    }
    return { shape: first.shape.map((d, i) => (i === axis ? total : d)), dtype: first.dtype };
  },
  /** Elements [start, end) of one axis. */
  slice: (inputs, attributes) => {
    const x = operand(inputs, 0);
    const axis = axisOf(attributes, x.shape.length);
    const [start, end, size] = [
      attributes.start as number,
      attributes.end as number,
      x.shape[axis] as number,
    ];
    if (!(Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start < end && end <= size))
      throw new ShapeError(`[${start}, ${end}) is not a range within axis ${axis} of ${size}`);
    return { shape: x.shape.map((d, i) => (i === axis ? end - start : d)), dtype: x.dtype };
  },
  /** Zeros before and after one axis. */
  pad: (inputs, attributes) => {
    const x = operand(inputs, 0);
    expectDtype(x, 'f32', 'operand');
    const axis = axisOf(attributes, x.shape.length);
    const [before, after] = [attributes.before as number, attributes.after as number];
    if (!(Number.isInteger(before) && Number.isInteger(after) && before >= 0 && after >= 0))
      throw new ShapeError(`cannot pad by ${before} and ${after}`);
    return { shape: x.shape.map((d, i) => (i === axis ? before + d + after : d)), dtype: 'f32' };
  },
  /** Rows of a table: [V, …] by i32 [I…] → [I…, …]. */
  gather: (inputs) => {
    const [table, indices] = [operand(inputs, 0), operand(inputs, 1)];
    expectDtype(indices, 'i32', 'indices');
    if (table.shape.length === 0) throw new ShapeError('the table needs rank 1 or more');
    return { shape: [...indices.shape, ...table.shape.slice(1)], dtype: table.dtype };
  },
  /** The transpose of gather: updates [I…, …] added into zeros [rows, …] at i32 [I…]. */
  scatterAdd: (inputs, attributes) => {
    const [indices, updates] = [operand(inputs, 0), operand(inputs, 1)];
    expectDtype(indices, 'i32', 'indices');
    expectDtype(updates, 'f32', 'updates');
    if (!indices.shape.every((d, i) => d === updates.shape[i]))
      throw new ShapeError('updates do not start with the shape of the indices');
    return { shape: [attributes.rows as number, ...updates.shape.slice(indices.shape.length)], dtype: 'f32' };
  },
  /** Batched product over the last two axes, either side transposed. */
  matmul: (inputs, attributes) => ({
    shape: matmulShape(operand(inputs, 0), operand(inputs, 1), attributes),
    dtype: 'f32',
  }),
  /** alpha·op(A)·op(B) + C of rank 2; C (optional) broadcasts to the result. */
  gemm: (inputs, attributes) => {
    const [a, b, c] = [operand(inputs, 0), operand(inputs, 1), inputs[2]];
    if (a.shape.length !== 2 || b.shape.length !== 2) throw new ShapeError('both factors must have rank 2');
    const shape = matmulShape(a, b, attributes);
    if (c) {
      expectDtype(c, 'f32', 'addend');
      if (showShape(broadcastShape(shape, c.shape) ?? []) !== showShape(shape))
        throw new ShapeError('the addend does not broadcast to the result');
    }
    return { shape, dtype: 'f32' };
  },
  /** x·weight / sqrt(mean(x²) + epsilon) over the last axis. */
  rmsNorm: (inputs) => {
    const [x, weight] = [operand(inputs, 0), operand(inputs, 1)];
    expectDtype(x, 'f32', 'operand');
    expectDtype(weight, 'f32', 'weight');
    const h = x.shape[x.shape.length - 1];
    if (weight.shape.length !== 1 || weight.shape[0] !== h) throw new ShapeError(`weight must be [${h}]`);
    return { shape: x.shape, dtype: 'f32' };
  },
  /** Rotary embedding in halves: x [B, heads, S, d], cos and sin [S, d/2]. */
  rope: (inputs) => {
    const [x, cos, sin] = [operand(inputs, 0), operand(inputs, 1), operand(inputs, 2)];
    expectDtype(x, 'f32', 'operand');
    if (x.shape.length !== 4) throw new ShapeError('x must be [B, heads, S, d]');
    const [, , s, d] = x.shape as readonly [number, number, number, number];
    if (d % 2 !== 0) throw new ShapeError(`head dimension ${d} is odd`);
    for (const table of [cos, sin]) {
      expectDtype(table, 'f32', 'table');
      if (showShape(table.shape) !== showShape([s, d / 2]))
        throw new ShapeError(`cos and sin must be [${s}, ${d / 2}]`);
    }
    return { shape: x.shape, dtype: 'f32' };
  },
};
