import { LoriError } from '../base/errors';
import { type Shape, sizeOf } from '../base/shape';
import { liveNodes, type Tensor } from './graph';
import type { OpKind } from './shape-rules';

/**
 * The reference: evaluates a graph in float64, one loop per operation, for checking rules and lowerings.
 * Deliberately plain; not for use on anything large.
 */
export function interpret(
  outputs: readonly Tensor[],
  feeds: Readonly<Record<string, ArrayLike<number>>>,
): Float64Array[] {
  const values = new Map<Tensor, Float64Array>();
  for (const node of liveNodes(outputs)) {
    if (node.op === 'input') {
      const fed = feeds[node.name];
      if (!fed || fed.length !== sizeOf(node.shape))
        throw new LoriError(
          'runtime',
          `input "${node.name}" needs ${sizeOf(node.shape)} values, got ${fed?.length ?? 'none'}`,
        );
      values.set(node, Float64Array.from(fed));
    } else if (node.op === 'constant') {
      values.set(node, Float64Array.from(node.data as ArrayLike<number>));
    } else {
      const inputs = node.inputs.map((x) => values.get(x) as Float64Array);
      values.set(node, EVALUATE[node.op](node, inputs));
    }
  }
  return outputs.map((x) => values.get(x) as Float64Array);
}

type Evaluate = (node: Tensor, inputs: readonly Float64Array[]) => Float64Array;

const at = (values: readonly Float64Array[], i: number): Float64Array => values[i] as Float64Array;
const shapeOf = (node: Tensor, i: number): Shape => (node.inputs[i] as Tensor).shape;

/** Calls `visit` with every multi-index of `shape`, in row-major order. */
function forEachIndex(shape: Shape, visit: (index: readonly number[], position: number) => void): void {
  const index = new Array<number>(shape.length).fill(0);
  for (let position = 0; position < sizeOf(shape); position++) {
    visit(index, position);
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (shape[d] as number)) break;
      index[d] = 0;
    }
  }
}

/** Offset of `index` (of the broadcast shape) in an operand of shape `shape`. */
function offset(index: readonly number[], shape: Shape): number {
  const lead = index.length - shape.length;
  return stridesOf(shape).reduce(
    (sum, stride, i) => sum + (shape[i] === 1 ? 0 : (index[i + lead] as number) * stride),
    0,
  );
}

const map =
  (f: (x: number) => number): Evaluate =>
  (_node, [x]) =>
    (x as Float64Array).map(f);

const zip =
  (f: (...values: number[]) => number): Evaluate =>
  (node, inputs) => {
    const out = new Float64Array(sizeOf(node.shape));
    forEachIndex(node.shape, (index, p) => {
      out[p] = f(...inputs.map((values, i) => values[offset(index, shapeOf(node, i))] as number));
    });
    return out;
  };

const reduce =
  (start: number, f: (sum: number, x: number) => number): Evaluate =>
  (node, [x]) => {
    const axes = node.attributes.axes as Shape;
    const kept = shapeOf(node, 0).map((d, i) => (axes.includes(i) ? 1 : d));
    const out = new Float64Array(sizeOf(node.shape)).fill(start);
    forEachIndex(shapeOf(node, 0), (index, p) => {
      const to = offset(index, kept);
      out[to] = f(out[to] as number, (x as Float64Array)[p] as number);
    });
    return out;
  };

/** Copies through an index map: `source` gives the input position for each output index (−1: zero). */
const remap =
  (source: (node: Tensor, index: readonly number[]) => number): Evaluate =>
  (node, [x]) => {
    const out = new Float64Array(sizeOf(node.shape));
    forEachIndex(node.shape, (index, p) => {
      const from = source(node, index);
      out[p] = from < 0 ? 0 : ((x as Float64Array)[from] as number);
    });
    return out;
  };

/** Shifts one axis; positions outside the operand give −1. */
function shifted(node: Tensor, index: readonly number[], axis: number, by: number): number {
  const shape = shapeOf(node, 0);
  const moved = index.map((v, i) => (i === axis ? v + by : v));
  const v = moved[axis] as number;
  return v < 0 || v >= (shape[axis] as number) ? -1 : offset(moved, shape);
}

const product: Evaluate = (node, [a, b, c]) => {
  const {
    transA,
    transB,
    alpha = 1,
  } = node.attributes as { transA: boolean; transB: boolean; alpha?: number };
  const [sa, sb] = [shapeOf(node, 0), shapeOf(node, 1)];
  const inner = sa[sa.length - (transA ? 2 : 1)] as number;
  const out = new Float64Array(sizeOf(node.shape));
  forEachIndex(node.shape, (index, p) => {
    const lead = index.slice(0, -2);
    const [i, j] = index.slice(-2) as [number, number];
    let sum = 0;
    for (let k = 0; k < inner; k++)
      sum +=
        ((a as Float64Array)[offset([...lead, ...(transA ? [k, i] : [i, k])], sa)] as number) *
        ((b as Float64Array)[offset([...lead, ...(transB ? [j, k] : [k, j])], sb)] as number);
    out[p] = alpha * sum + (c ? (c[offset(index, shapeOf(node, 2))] as number) : 0);
  });
  return out;
};

const alongLast =
  (f: (row: Float64Array, node: Tensor, inputs: readonly Float64Array[]) => Float64Array): Evaluate =>
  (node, inputs) => {
    const n = node.shape[node.shape.length - 1] as number;
    const out = new Float64Array(sizeOf(node.shape));
    for (let p = 0; p < out.length; p += n) out.set(f(at(inputs, 0).subarray(p, p + n), node, inputs), p);
    return out;
  };

/** erf by its Taylor series for small, by the continued fraction of erfc for large arguments; 1e-15. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 3) {
    let f = 0;
    for (let k = 60; k >= 1; k--) f = k / 2 / (a + f);
    return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + f)));
  }
  let [term, sum] = [x, x];
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

const EVALUATE: Readonly<Record<Exclude<OpKind, 'input' | 'constant'>, Evaluate>> = {
  neg: map((x) => -x),
  exp: map(Math.exp),
  log: map(Math.log),
  sqrt: map(Math.sqrt),
  reciprocal: map((x) => 1 / x),
  abs: map(Math.abs),
  sigmoid: map(sigmoid),
  silu: map((x) => x * sigmoid(x)),
  tanh: map(Math.tanh),
  erf: map(erf),
  relu: map((x) => Math.max(x, 0)),
  stopGradient: map((x) => x),
  withGradient: map((x) => x),
  add: zip((a, b) => (a as number) + (b as number)),
  sub: zip((a, b) => (a as number) - (b as number)),
  mul: zip((a, b) => (a as number) * (b as number)),
  div: zip((a, b) => (a as number) / (b as number)),
  equal: zip((a, b) => (a === b ? 1 : 0)),
  greater: zip((a, b) => ((a as number) > (b as number) ? 1 : 0)),
  where: zip((c, a, b) => (c ? (a as number) : (b as number))),
  cast: (node, [x]) => {
    const to = node.attributes.to;
    return (x as Float64Array).map((v) =>
      to === 'i32' ? Math.trunc(v) : to === 'bool' ? Number(v !== 0) : v,
    );
  },
  reduceSum: reduce(0, (sum, x) => sum + x),
  reduceMax: reduce(Number.NEGATIVE_INFINITY, Math.max),
  softmax: alongLast((row) => {
    const top = row.reduce((m, x) => Math.max(m, x), Number.NEGATIVE_INFINITY);
    const e = row.map((x) => Math.exp(x - top));
    const sum = e.reduce((s, x) => s + x, 0);
    return e.map((x) => x / sum);
  }),
  reshape: (_node, [x]) => x as Float64Array,
  transpose: remap((node, index) => {
    const perm = node.attributes.perm as Shape;
    const from = new Array<number>(index.length);
    perm.forEach((p, i) => {
      from[p] = index[i] as number;
    });
    return offset(from, shapeOf(node, 0));
  }),
  expand: remap((node, index) => offset(index, shapeOf(node, 0))),
  concat: (node, inputs) => {
    const axis = node.attributes.axis as number;
    const out = new Float64Array(sizeOf(node.shape));
    forEachIndex(node.shape, (index, p) => {
      let v = index[axis] as number;
      let part = 0;
      while (v >= (shapeOf(node, part)[axis] as number)) v -= shapeOf(node, part++)[axis] as number;
      out[p] = at(inputs, part)[
        offset(
          index.map((x, i) => (i === axis ? v : x)),
          shapeOf(node, part),
        )
      ] as number;
    });
    return out;
  },
  slice: remap((node, index) =>
    shifted(node, index, node.attributes.axis as number, node.attributes.start as number),
  ),
  pad: remap((node, index) =>
    shifted(node, index, node.attributes.axis as number, -(node.attributes.before as number)),
  ),
  gather: (node, [table, indices]) => {
    const width = sizeOf(shapeOf(node, 0).slice(1));
    const out = new Float64Array(sizeOf(node.shape));
    (indices as Float64Array).forEach((row, i) => {
      out.set((table as Float64Array).subarray(row * width, (row + 1) * width), i * width);
    });
    return out;
  },
  scatterAdd: (node, [indices, updates]) => {
    const width = sizeOf(node.shape.slice(1));
    const out = new Float64Array(sizeOf(node.shape));
    (indices as Float64Array).forEach((row, i) => {
      for (let j = 0; j < width; j++)
        out[row * width + j]! += (updates as Float64Array)[i * width + j] as number;
    });
    return out;
  },
  matmul: product,
  gemm: product,
  rmsNorm: alongLast((row, node, inputs) => {
    const r =
      1 / Math.sqrt(row.reduce((s, x) => s + x * x, 0) / row.length + (node.attributes.epsilon as number));
    return row.map((x, i) => x * r * (at(inputs, 1)[i] as number));
  }),
  rope: (node, [x, cos, sin]) => {
    const [, , s, d] = node.shape as readonly [number, number, number, number];
    const half = d / 2;
    const out = new Float64Array(sizeOf(node.shape));
    for (let p = 0; p < out.length; p += d) {
      const row = ((p / d) % s) * half;
      for (let i = 0; i < half; i++) {
        const [a, b] = [(x as Float64Array)[p + i] as number, (x as Float64Array)[p + half + i] as number];
        const [c, n] = [(cos as Float64Array)[row + i] as number, (sin as Float64Array)[row + i] as number];
        out[p + i] = a * c - b * n;
        out[p + half + i] = b * c + a * n;
      }
    }
    return out;
  },
};

/** Row-major strides, in elements. */
function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--)
    strides[i] = (strides[i + 1] as number) * (shape[i + 1] as number);
  return strides;
}
