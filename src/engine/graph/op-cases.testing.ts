import { allocate, type HostTensor } from '../base/dtype';
import { Rng } from '../base/rng';
import { sizeOf } from '../base/shape';
import { vjp } from './gradient';
import { Graph, type Tensor } from './graph';
import * as o from './ops';
import type { OpKind } from './shape-rules';

/**
 * Test cases for every operation, used three times: gradients against finite differences, and lowerings on WASM and on
 * WebGPU against the interpreter. Shapes are awkward on purpose: ones, odd sizes, broadcasting.
 */
export interface OpCase {
  readonly op: OpKind;
  readonly what: string;
  /** Shape of each f32 operand, by name; `indices` are i32 below `rows`, `mask` is bool. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly rows?: number;
  /** Values lie in ±[low, high], or in [low, high] if `positive`; kinks and poles are avoided. */
  readonly low?: number;
  readonly high?: number;
  readonly positive?: boolean;
  /** Operands that have no gradient although they are f32. */
  readonly frozen?: readonly string[];
  /** ONNX does not define what happens to NaN here (maxima, conversion to integers), and providers differ: not tested. */
  readonly losesNaN?: boolean;
  build(x: Readonly<Record<string, Tensor>>): Tensor;
}

type X = Readonly<Record<string, Tensor>>;
const unary = (op: OpKind, f: (x: Tensor) => Tensor, more: Partial<OpCase> = {}): OpCase => ({
  op,
  what: '[3, 5]',
  inputs: { a: [3, 5] },
  build: ({ a }: X) => f(a as Tensor),
  ...more,
});
type Binary = 'add' | 'sub' | 'mul' | 'div';
const BROADCASTS = [
  [
    [3, 5],
    [3, 5],
  ],
  [
    [2, 3, 5],
    [3, 1],
  ],
  [
    [1, 5],
    [4, 1],
  ],
  [[], [3]],
  [[7], []],
] as const;
const binary = (op: Binary): OpCase[] =>
  BROADCASTS.map(([a, b]) => ({
    op,
    what: `[${a}] with [${b}]`,
    inputs: { a, b },
    low: 0.5,
    build: (x: X) => o[op](x.a as Tensor, x.b as Tensor),
  }));

const flags = [false, true];
const transposes = flags.flatMap((transA) => flags.map((transB) => ({ transA, transB })));
const side = (swap: boolean, lead: readonly number[], rows: number, columns: number): number[] =>
  swap ? [...lead, columns, rows] : [...lead, rows, columns];
const named = ({ transA, transB }: o.MatmulOptions): string =>
  `${transA ? 'AT' : 'A'}·${transB ? 'BT' : 'B'}`;

export const OP_CASES: readonly OpCase[] = [
  unary('neg', o.neg),
  unary('exp', o.exp),
  unary('log', o.log, { positive: true, low: 0.3 }),
  unary('sqrt', o.sqrt, { positive: true, low: 0.3 }),
  unary('reciprocal', o.reciprocal, { low: 0.5 }),
  unary('abs', o.abs, { low: 0.1 }),
  unary('sigmoid', o.sigmoid, { high: 4 }),
  unary('silu', o.silu, { high: 4 }),
  unary('tanh', o.tanh),
  unary('erf', o.erf, { high: 3.5 }),
  unary('relu', o.relu, { low: 0.1 }),
  unary('neg', o.neg, { what: '[1]', inputs: { a: [1] } }),
  unary('stopGradient', (a) => o.mul(o.stopGradient(o.exp(a)), a)),
  unary('withGradient', (a) => o.withGradient(o.exp(a), [a], (dy) => [o.mul(dy, o.exp(a))]), {
    what: 'the true gradient, handed in',
  }),
  ...binary('add'),
  ...binary('sub'),
  ...binary('mul'),
  ...binary('div'),
  unary('mul', o.square, { what: 'a square' }),
  unary('sub', (a) => o.sub(1, a), { what: 'from a number' }),
  {
    op: 'equal',
    what: 'i32, as a mask',
    inputs: { indices: [2, 4], a: [2, 4] },
    rows: 3,
    build: ({ indices, a }: X) => {
      const i = indices as Tensor;
      return o.where(o.equal(i, i.graph.constant(new Int32Array([1]), [1], 'i32')), a as Tensor, 0.5);
    },
  },
  unary('equal', (a) => o.mul(a, o.cast(o.equal(a, o.abs(a)), 'f32')), { what: 'f32, cast', low: 0.1 }),
  {
    op: 'greater',
    what: 'broadcast, cast',
    inputs: { a: [3, 1], b: [1, 4] },
    build: ({ a, b }: X) => o.mul(o.cast(o.greater(a as Tensor, b as Tensor), 'f32'), b as Tensor),
  },
  {
    op: 'greater',
    what: 'i32',
    inputs: { indices: [5], a: [2, 5] },
    rows: 9,
    build: ({ indices, a }: X) => {
      const i = indices as Tensor;
      return o.where(
        o.greater(i, i.graph.constant(new Int32Array([4]), [], 'i32')),
        a as Tensor,
        o.neg(a as Tensor),
      );
    },
  },
  {
    op: 'where',
    what: 'a bool operand, broadcast',
    inputs: { mask: [3, 1], a: [2, 1, 5], b: [3, 5] },
    build: ({ mask, a, b }: X) => o.where(mask as Tensor, a as Tensor, b as Tensor),
  },
  {
    op: 'cast',
    what: 'i32 to f32',
    inputs: { indices: [3, 3], a: [3] },
    rows: 40,
    build: ({ indices, a }: X) => o.mul(o.cast(indices as Tensor, 'f32'), a as Tensor),
  },
  {
    op: 'cast',
    what: 'bool to f32',
    inputs: { mask: [7], a: [7] },
    build: ({ mask, a }: X) => o.mul(o.cast(mask as Tensor, 'f32'), a as Tensor),
  },
  unary('cast', (a) => o.mul(o.cast(o.cast(a, 'i32'), 'f32'), a), {
    what: 'f32 to i32',
    low: 0.1,
    high: 5.4,
    losesNaN: true,
  }),
  unary('reduceSum', (a) => o.reduceSum(a), { what: 'all' }),
  unary('reduceSum', (a) => o.reduceSum(a, [0, 2]), { what: 'outer and inner', inputs: { a: [3, 2, 5] } }),
  unary('reduceSum', (a) => o.reduceSum(a, [1], true), { what: 'kept', inputs: { a: [3, 2, 5] } }),
  unary('reduceSum', (a) => o.reduceSum(o.square(a), [-1], true), { what: 'of squares' }),
  unary('reduceSum', (a) => o.reduceMean(a, [0]), { what: 'mean' }),
  unary('reduceMax', (a) => o.sub(a, o.stopGradient(o.reduceMax(a, [-1], true))), {
    what: 'kept, stopped',
    losesNaN: true,
  }),
  unary('reduceMax', (a) => o.mul(o.stopGradient(o.reduceMax(a, [0, 1])), a), {
    what: 'all',
    losesNaN: true,
  }),
  unary('exp', o.logSumExp, { what: 'logSumExp' }),
  unary('softmax', o.softmax),
  unary('softmax', o.softmax, { what: '[2, 3, 1, 7]', inputs: { a: [2, 3, 1, 7] } }),
  unary('reshape', (a) => o.reshape(o.exp(a), [5, 1, 3])),
  unary('transpose', (a) => o.transpose(a, [1, 0])),
  unary('transpose', (a) => o.transpose(a, [2, 0, 3, 1]), { what: '4-D', inputs: { a: [2, 3, 1, 5] } }),
  unary('expand', (a) => o.expand(a, [2, 3, 4, 5]), {
    what: '[3, 1, 5] to [2, 3, 4, 5]',
    inputs: { a: [3, 1, 5] },
  }),
  {
    op: 'concat',
    what: 'three parts',
    inputs: { a: [2, 1, 3], b: [2, 4, 3], c: [2, 2, 3] },
    build: ({ a, b, c }: X) => o.concat([a, b, c] as Tensor[], 1),
  },
  unary('slice', (a) => o.slice(a, 0, 1, 3)),
  unary('slice', (a) => o.slice(a, -1, 2, 3), { what: 'one of the last axis', inputs: { a: [2, 1, 5] } }),
  unary('pad', (a) => o.pad(a, 1, 2, 1), { what: 'both ends', inputs: { a: [2, 3, 1] } }),
  unary('pad', (a) => o.pad(a, 0, 0, 3), { what: 'after' }),
  // What emission joins: the gradients of adjacent slices, complete and with gaps.
  unary(
    'slice',
    (a) => {
      const parts = [o.slice(a, 1, 0, 2), o.slice(a, 1, 2, 3), o.slice(a, 1, 3, 7)] as const;
      return o.mul(o.concat([o.exp(parts[2]), o.tanh(parts[0])], 1), o.expand(parts[1], [3, 6]));
    },
    { what: 'a packed triple', inputs: { a: [3, 7] } },
  ),
  unary('slice', (a) => o.mul(o.exp(o.slice(a, 0, 1, 3)), o.tanh(o.slice(a, 0, 3, 5))), {
    what: 'two neighbours inside',
    inputs: { a: [7, 2] },
  }),
  unary('slice', (a) => o.mul(o.exp(o.slice(a, 0, 0, 2)), o.tanh(o.slice(a, 0, 4, 6))), {
    what: 'a gap between',
    inputs: { a: [7, 2] },
  }),
  unary('slice', (a) => o.mul(o.exp(o.slice(a, 0, 0, 3)), o.tanh(o.slice(a, 0, 2, 5))), {
    what: 'an overlap',
    inputs: { a: [7, 2] },
  }),
  {
    op: 'gather',
    what: 'rows, repeated',
    inputs: { a: [5, 3], indices: [2, 4] },
    rows: 5,
    build: ({ a, indices }: X) => o.gather(a as Tensor, indices as Tensor),
  },
  {
    op: 'gather',
    what: 'numbers',
    inputs: { a: [5], indices: [7] },
    rows: 5,
    build: ({ a, indices }: X) => o.gather(a as Tensor, indices as Tensor),
  },
  {
    op: 'scatterAdd',
    what: 'rows, repeated',
    inputs: { indices: [7], a: [7, 3] },
    rows: 5,
    build: ({ a, indices }: X) => o.scatterAdd(indices as Tensor, a as Tensor, 5),
  },
  {
    op: 'scatterAdd',
    what: 'blocks',
    inputs: { indices: [2, 2], a: [2, 2, 3, 2] },
    rows: 3,
    build: ({ a, indices }: X) => o.scatterAdd(indices as Tensor, a as Tensor, 3),
  },
  ...transposes.flatMap((t): OpCase[] => [
    {
      op: 'gemm',
      what: named(t),
      inputs: { a: side(t.transA, [], 3, 5), b: side(t.transB, [], 5, 2) },
      build: ({ a, b }: X) => o.matmul(a as Tensor, b as Tensor, t),
    },
    {
      op: 'gemm',
      what: `0.3·${named(t)} + row`,
      inputs: { a: side(t.transA, [], 3, 5), b: side(t.transB, [], 5, 7), c: [7] },
      build: ({ a, b, c }: X) => o.gemm(a as Tensor, b as Tensor, { ...t, alpha: 0.3 }, c as Tensor),
    },
    {
      op: 'matmul',
      what: named(t),
      inputs: { a: side(t.transA, [2, 3], 4, 5), b: side(t.transB, [2, 3], 5, 2) },
      build: ({ a, b }: X) => o.matmul(a as Tensor, b as Tensor, t),
    },
    {
      op: 'matmul',
      what: `${named(t)}, batches broadcast`,
      inputs: { a: side(t.transA, [2, 1], 1, 5), b: side(t.transB, [3], 5, 3) },
      build: ({ a, b }: X) => o.matmul(a as Tensor, b as Tensor, t),
    },
    {
      op: 'matmul',
      what: `${named(t)}, three axes by two`,
      inputs: { a: side(t.transA, [3], 4, 5), b: side(t.transB, [], 5, 2) },
      build: ({ a, b }: X) => o.matmul(a as Tensor, b as Tensor, t),
    },
  ]),
  // What emission fuses into a matrix product.
  {
    op: 'gemm',
    what: 'scaled, then added to, then negated',
    inputs: { a: [3, 5], b: [5, 2], c: [3, 1] },
    build: ({ a, b, c }: X) => o.neg(o.add(c as Tensor, o.mul(o.matmul(a as Tensor, b as Tensor), 0.7))),
  },
  {
    op: 'matmul',
    what: 'scaled',
    inputs: { a: [2, 3, 5], b: [2, 4, 5] },
    build: ({ a, b }: X) => o.mul(o.matmul(a as Tensor, b as Tensor, { transB: true }), -1.5),
  },
  {
    op: 'gemm',
    what: 'two products added, one used twice',
    inputs: { a: [3, 5], b: [5, 3] },
    build: ({ a, b }: X) => {
      const p = o.matmul(a as Tensor, b as Tensor);
      const q = o.matmul(b as Tensor, a as Tensor, { transA: true, transB: true });
      return o.mul(o.add(p, q), p);
    },
  },
  {
    op: 'rmsNorm',
    what: '[2, 3, 7]',
    inputs: { a: [2, 3, 7], b: [7] },
    build: ({ a, b }: X) => o.rmsNorm(a as Tensor, b as Tensor, 1e-2),
  },
  {
    op: 'rmsNorm',
    what: '[5, 8]',
    inputs: { a: [5, 8], b: [8] },
    build: ({ a, b }: X) => o.rmsNorm(a as Tensor, b as Tensor, 1e-5),
  },
  ...[4, 8].map(
    (d): OpCase => ({
      op: 'rope',
      what: `[2, 3, 5, ${d}]`,
      inputs: { a: [2, 3, 5, d] },
      build: ({ a }: X) => {
        const { graph } = a as Tensor;
        const angles = Float32Array.from({ length: (5 * d) / 2 }, (_, i) => 0.37 * i + 0.1);
        const table = (f: (x: number) => number) => graph.constant(angles.map(f), [5, d / 2]);
        return o.rope(a as Tensor, table(Math.cos), table(Math.sin));
      },
    }),
  ),
  {
    op: 'rope',
    what: 'tables as inputs',
    inputs: { a: [1, 2, 3, 6], cos: [3, 3], sin: [3, 3] },
    frozen: ['cos', 'sin'],
    build: ({ a, cos, sin }: X) => o.rope(a as Tensor, cos as Tensor, sin as Tensor),
  },
];

export const nameOf = ({ op, what }: OpCase): string => `${op} ${what}`;

export interface BuiltCase {
  readonly graph: Graph;
  readonly y: Tensor;
  /** The f32 operands that have a gradient. */
  readonly wrt: readonly Tensor[];
  /** Of Σ y·dy, one per member of `wrt`. */
  readonly gradients: readonly Tensor[];
  readonly feeds: Readonly<Record<string, HostTensor>>;
}

/** Traces a case and draws its operands; the cotangent dy is one of them. No value is ever zero. */
export function buildCase(c: OpCase): BuiltCase {
  const graph = new Graph();
  const rng = new Rng(nameOf(c).length).fork(nameOf(c));
  const feeds: Record<string, HostTensor> = {};
  const draw = (name: string, shape: readonly number[], positive: boolean): Tensor => {
    const dtype = name === 'indices' ? 'i32' : name === 'mask' ? 'bool' : 'f32';
    const data = allocate(dtype, sizeOf(shape));
    for (let i = 0; i < data.length; i++) {
      const size = (c.low ?? 0.05) + rng.uniform() * ((c.high ?? 1.5) - (c.low ?? 0.05));
      if (dtype === 'f32') data[i] = positive || rng.uniform() < 0.5 ? size : -size;
      else data[i] = dtype === 'i32' ? rng.integer(0, (c.rows ?? 1) - 1) : rng.integer(0, 1);
    }
    feeds[name] = { dtype, shape, data };
    return graph.input(name, shape, dtype);
  };
  const x: Record<string, Tensor> = {};
  for (const [name, shape] of Object.entries(c.inputs)) x[name] = draw(name, shape, c.positive ?? false);
  const y = graph.scope('forward', () => c.build(x));
  const wrt = Object.values(x).filter((t) => t.dtype === 'f32' && !c.frozen?.includes(t.name));
  const gradients = vjp([y], [draw('dy', y.shape, false)], wrt);
  return { graph, y, wrt, gradients, feeds };
}
