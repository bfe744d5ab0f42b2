import type { GraphDType } from '../base/dtype';
import { broadcastShape, normalAxis, type Shape, sameShape, showShape, sizeOf } from '../base/shape';
import type { CustomVjp, Tensor } from './graph';

/**
 * The operations that models and losses are written in. Each function adds (or finds) one node or a few; no-ops are
 * dropped (reshape to the same shape, double transposition, multiplication by one).
 */
type Value = Tensor | number;

const pair = (a: Value, b: Value): [Tensor, Tensor] => {
  const graph = typeof a === 'number' ? (b as Tensor).graph : a.graph;
  return [typeof a === 'number' ? graph.scalar(a) : a, typeof b === 'number' ? graph.scalar(b) : b];
};

const isScalar = (x: Tensor, value: number): boolean =>
  x.op === 'constant' && x.shape.length === 0 && x.data?.[0] === value;

export const neg = (x: Tensor): Tensor => x.graph.apply('neg', [x]);
export const exp = (x: Tensor): Tensor => x.graph.apply('exp', [x]);
export const log = (x: Tensor): Tensor => x.graph.apply('log', [x]);
export const sqrt = (x: Tensor): Tensor => x.graph.apply('sqrt', [x]);
export const reciprocal = (x: Tensor): Tensor => x.graph.apply('reciprocal', [x]);
export const abs = (x: Tensor): Tensor => x.graph.apply('abs', [x]);
export const sigmoid = (x: Tensor): Tensor => x.graph.apply('sigmoid', [x]);
export const silu = (x: Tensor): Tensor => x.graph.apply('silu', [x]);
export const tanh = (x: Tensor): Tensor => x.graph.apply('tanh', [x]);
export const erf = (x: Tensor): Tensor => x.graph.apply('erf', [x]);
export const relu = (x: Tensor): Tensor => x.graph.apply('relu', [x]);
/** The value of x, through which no gradient flows. */
export const stopGradient = (x: Tensor): Tensor => x.graph.apply('stopGradient', [x]);

/**
 * `value` with a custom gradient: with respect to `primals` it is what `vjp` makes of the cotangent. For whatever the
 * reverse pass should recompute rather than keep.
 * @param vjp one cotangent per primal, or fewer: asking for a gradient that was left out is an error
 */
export function withGradient(value: Tensor, primals: readonly Tensor[], vjp: CustomVjp): Tensor {
  const y = value.graph.apply('withGradient', [value, ...primals]);
  value.graph.vjps.set(y, vjp);
  return y;
}

export function add(a: Value, b: Value): Tensor {
  const [x, y] = pair(a, b);
  if (isScalar(y, 0)) return x;
  if (isScalar(x, 0)) return y;
  return x.graph.apply('add', [x, y]);
}
export function sub(a: Value, b: Value): Tensor {
  const [x, y] = pair(a, b);
  return isScalar(y, 0) ? x : x.graph.apply('sub', [x, y]);
}
export function mul(a: Value, b: Value): Tensor {
  const [x, y] = pair(a, b);
  if (isScalar(y, 1)) return x;
  if (isScalar(x, 1)) return y;
  return x.graph.apply('mul', [x, y]);
}
export function div(a: Value, b: Value): Tensor {
  const [x, y] = pair(a, b);
  return isScalar(y, 1) ? x : x.graph.apply('div', [x, y]);
}
export const square = (x: Tensor): Tensor => mul(x, x);

/** Element-wise comparisons; bool. */
export const equal = (a: Tensor, b: Tensor): Tensor => a.graph.apply('equal', [a, b]);
export const greater = (a: Tensor, b: Tensor): Tensor => a.graph.apply('greater', [a, b]);
/** `condition ? a : b`, element-wise. */
export function where(condition: Tensor, a: Value, b: Value): Tensor {
  const graph = condition.graph;
  const lift = (v: Value): Tensor => (typeof v === 'number' ? graph.scalar(v) : v);
  return graph.apply('where', [condition, lift(a), lift(b)]);
}
export const cast = (x: Tensor, to: GraphDType): Tensor =>
  x.dtype === to ? x : x.graph.apply('cast', [x], { to });

const allAxes = (x: Tensor): number[] => x.shape.map((_, i) => i);
const axesOf = (x: Tensor, axes: readonly number[] | undefined): number[] =>
  (axes ?? allAxes(x)).map((a) => normalAxis(a, x.shape.length) ?? a).sort((a, b) => a - b);

/** Sum over `axes` (default: all). */
export function reduceSum(x: Tensor, axes?: readonly number[], keepDims = false): Tensor {
  const over = axesOf(x, axes);
  return over.length === 0 ? x : x.graph.apply('reduceSum', [x], { axes: over, keepDims });
}
export function reduceMax(x: Tensor, axes?: readonly number[], keepDims = false): Tensor {
  return x.graph.apply('reduceMax', [x], { axes: axesOf(x, axes), keepDims });
}
export function reduceMean(x: Tensor, axes?: readonly number[], keepDims = false): Tensor {
  const count = axesOf(x, axes).reduce((n, a) => n * (x.shape[a] ?? 1), 1);
  return mul(reduceSum(x, axes, keepDims), 1 / count);
}

/** Over the last axis. */
export const softmax = (x: Tensor): Tensor => x.graph.apply('softmax', [x]);

/** log Σ exp over the last axis, kept as 1. Shifted by the maximum: ONNX's own ReduceLogSumExp overflows around 200. */
export function logSumExp(x: Tensor): Tensor {
  const top = stopGradient(reduceMax(x, [-1], true));
  return add(log(reduceSum(exp(sub(x, top)), [-1], true)), top);
}

export function reshape(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const from = x.op === 'reshape' && sizeOf(shape) === sizeOf(x.shape) ? (x.inputs[0] as Tensor) : x;
  return sameShape(from.shape, shape) ? from : x.graph.apply('reshape', [from], { shape: [...shape] });
}

export function transpose(x: Tensor, perm: Shape): Tensor {
  if (perm.length === x.shape.length && perm.every((p, i) => p === i)) return x;
  if (x.op === 'transpose') {
    const before = x.attributes.perm as Shape;
    const both = perm.map((p) => before[p] ?? -1);
    if (both.every((p, i) => p === i)) return x.inputs[0] as Tensor;
  }
  return x.graph.apply('transpose', [x], { perm: [...perm] });
}

export const expand = (x: Tensor, shape: Shape): Tensor =>
  sameShape(x.shape, shape) ? x : x.graph.apply('expand', [x], { shape: [...shape] });

export function concat(parts: readonly Tensor[], axis: number): Tensor {
  const first = parts[0] as Tensor;
  return parts.length === 1
    ? first
    : first.graph.apply('concat', parts, { axis: normalAxis(axis, first.shape.length) ?? axis });
}

/** Elements [start, end) along `axis`. */
export function slice(x: Tensor, axis: number, start: number, end: number): Tensor {
  const a = normalAxis(axis, x.shape.length) ?? axis;
  if (start === 0 && end === x.shape[a]) return x;
  return x.graph.apply('slice', [x], { axis: a, start, end });
}

/** Zeros added before and after along `axis`. */
export function pad(x: Tensor, axis: number, before: number, after: number): Tensor {
  if (before === 0 && after === 0) return x;
  return x.graph.apply('pad', [x], { axis: normalAxis(axis, x.shape.length) ?? axis, before, after });
}

/** Rows of `table` [V, …] at `indices` (i32). */
export const gather = (table: Tensor, indices: Tensor): Tensor =>
  table.graph.apply('gather', [table, indices]);
export const scatterAdd = (indices: Tensor, updates: Tensor, rows: number): Tensor =>
  updates.graph.apply('scatterAdd', [indices, updates], { rows });

export interface MatmulOptions {
  readonly transA?: boolean;
  readonly transB?: boolean;
}
/** Matrix product over the last two axes; leading axes broadcast. For two matrices it is a gemm. */
export function matmul(a: Tensor, b: Tensor, { transA = false, transB = false }: MatmulOptions = {}): Tensor {
  if (a.shape.length === 2 && b.shape.length === 2) return gemm(a, b, { transA, transB });
  return a.graph.apply('matmul', [a, b], { transA, transB });
}

export interface GemmOptions extends MatmulOptions {
  readonly alpha?: number;
}
/** alpha·op(A)·op(B) + C, all of rank 2 (C broadcasts). */
export function gemm(
  a: Tensor,
  b: Tensor,
  { transA = false, transB = false, alpha = 1 }: GemmOptions = {},
  c?: Tensor,
): Tensor {
  return a.graph.apply('gemm', c ? [a, b, c] : [a, b], { transA, transB, alpha });
}

export const rmsNorm = (x: Tensor, weight: Tensor, epsilon: number): Tensor =>
  x.graph.apply('rmsNorm', [x, weight], { epsilon });
export const rope = (x: Tensor, cos: Tensor, sin: Tensor): Tensor => x.graph.apply('rope', [x, cos, sin]);

/** Sums a broadcast value back down to `shape`: the transpose of broadcasting. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (!sameShape(broadcastShape(x.shape, shape) ?? [], x.shape))
    throw new RangeError(`${showShape(shape)} was never broadcast to ${showShape(x.shape)}`);
  const lead = x.shape.length - shape.length;
  const axes = x.shape.flatMap((d, i) => (i < lead || (shape[i - lead] === 1 && d !== 1) ? [i] : []));
  return reshape(reduceSum(x, axes, true), shape);
}
