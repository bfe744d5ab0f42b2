import { describe, expect, test } from 'vitest';
import { ShapeError } from '../base/errors';
import { programInputs } from './gradient.testing';
import { Graph, liveNodes, type Tensor } from './graph';
import * as o from './ops';

/** Inputs of the shapes given, one letter each. */
function inputs(...shapes: readonly (readonly number[])[]): Tensor[] {
  const g = new Graph();
  return shapes.map((shape, i) => g.input('abcdef'[i] as string, shape));
}

describe('shape rules refuse, naming operation, shapes and place', () => {
  const bad: readonly [string, readonly (readonly number[])[], (x: Tensor[]) => Tensor, RegExp][] = [
    [
      'add',
      [
        [2, 3],
        [2, 4],
      ],
      ([a, b]) => o.add(a!, b!),
      /add: shapes \[2, 3\] and \[2, 4\] do not broadcast; operands f32 \[2, 3\], f32 \[2, 4\]/,
    ],
    ['mul', [[2], [3]], ([a, b]) => o.mul(a!, b!), /mul: shapes \[2\] and \[3\]/],
    ['where', [[2], [3]], ([a, b]) => o.where(o.greater(a!, a!), a!, b!), /where: .*do not broadcast/],
    ['where on f32', [[2]], ([a]) => o.where(a!, a!, a!), /where: condition must be bool, not f32/],
    ['exp of bool', [[2]], ([a]) => o.exp(o.greater(a!, a!)), /exp: operand must be f32, not bool/],
    ['add of bool', [[2]], ([a]) => o.add(a!, o.equal(a!, a!)), /add: second operand must be f32, not bool/],
    ['compare', [[2]], ([a]) => o.equal(a!, o.cast(a!, 'i32')), /equal: cannot compare f32 with i32/],
    [
      'reduceSum',
      [[2, 3]],
      ([a]) => o.reduceSum(a!, [2]),
      /reduceSum: axes \[2\] are not distinct axes of rank 2/,
    ],
    ['reduceMax', [[2, 3]], ([a]) => o.reduceMax(a!, [1, -1]), /reduceMax: axes \[1, 1\] are not distinct/],
    ['softmax', [[]], ([a]) => o.softmax(a!), /softmax: needs rank 1/],
    ['reshape', [[2, 3]], ([a]) => o.reshape(a!, [4, 2]), /reshape: cannot reshape 6 elements to \[4, 2\]/],
    ['reshape', [[2, 3]], ([a]) => o.reshape(a!, [-1, 3]), /cannot reshape 6 elements to \[-1, 3\]/],
    [
      'transpose',
      [[2, 3]],
      ([a]) => o.transpose(a!, [0, 0]),
      /transpose: \[0, 0\] is not a permutation of 2 axes/,
    ],
    [
      'transpose',
      [[2, 3]],
      ([a]) => o.transpose(a!, [1, 0, 2]),
      /\[1, 0, 2\] is not a permutation of 2 axes/,
    ],
    ['expand', [[2, 3]], ([a]) => o.expand(a!, [4, 3]), /expand: cannot expand to \[4, 3\]/],
    ['expand', [[2, 3]], ([a]) => o.expand(a!, [1, 3]), /cannot expand to \[1, 3\]/],
    [
      'concat',
      [
        [2, 3],
        [3, 3],
      ],
      ([a, b]) => o.concat([a!, b!], 1),
      /concat: parts differ off axis 1/,
    ],
    [
      'concat',
      [
        [2, 3],
        [2, 3],
      ],
      ([a, b]) => o.concat([a!, b!], 2),
      /concat: axis 2 is outside rank 2/,
    ],
    ['slice', [[2, 3]], ([a]) => o.slice(a!, 1, 1, 4), /slice: \[1, 4\) is not a range within axis 1 of 3/],
    ['slice', [[2, 3]], ([a]) => o.slice(a!, 1, 2, 2), /slice: \[2, 2\) is not a range/],
    ['pad', [[2, 3]], ([a]) => o.pad(a!, 0, -1, 0), /pad: cannot pad by -1 and 0/],
    ['gather', [[2, 3], [2]], ([a, b]) => o.gather(a!, b!), /gather: indices must be i32, not f32/],
    [
      'scatterAdd',
      [[4, 3], [5]],
      ([a, b]) => o.scatterAdd(o.cast(b!, 'i32'), a!, 3),
      /scatterAdd: updates do not start with the shape/,
    ],
    [
      'gemm',
      [
        [2, 3],
        [2, 3],
      ],
      ([a, b]) => o.matmul(a!, b!),
      /gemm: inner dimensions 3 and 2 differ/,
    ],
    [
      'gemm',
      [
        [2, 3],
        [3, 4],
        [3, 4],
      ],
      ([a, b, c]) => o.gemm(a!, b!, {}, c!),
      /gemm: the addend does not broadcast/,
    ],
    [
      'gemm',
      [
        [2, 3],
        [3, 1],
        [2, 4],
      ],
      ([a, b, c]) => o.gemm(a!, b!, {}, c!),
      /gemm: the addend does not broadcast/,
    ],
    [
      'gemm',
      [
        [2, 3, 4],
        [4, 5],
      ],
      ([a, b]) => o.gemm(a!, b!),
      /gemm: both factors must have rank 2/,
    ],
    [
      'matmul',
      [
        [2, 3, 4],
        [3, 4, 5],
      ],
      ([a, b]) => o.matmul(a!, b!),
      /matmul: batch dimensions do not broadcast/,
    ],
    [
      'matmul',
      [
        [2, 3, 4],
        [2, 3, 4],
      ],
      ([a, b]) => o.matmul(a!, b!, { transA: true, transB: true }),
      /inner dimensions 3 and 4 differ/,
    ],
    ['matmul', [[2, 3, 4], [4]], ([a, b]) => o.matmul(a!, b!), /matmul: both operands need rank 2 or more/],
    ['rmsNorm', [[2, 3], [2]], ([a, b]) => o.rmsNorm(a!, b!, 1e-5), /rmsNorm: weight must be \[3\]/],
    [
      'rope',
      [
        [1, 2, 3, 5],
        [3, 2],
        [3, 2],
      ],
      ([a, b, c]) => o.rope(a!, b!, c!),
      /rope: head dimension 5 is odd/,
    ],
    [
      'rope',
      [
        [1, 2, 3, 4],
        [3, 4],
        [3, 2],
      ],
      ([a, b, c]) => o.rope(a!, b!, c!),
      /rope: cos and sin must be \[3, 2\]/,
    ],
    [
      'rope',
      [
        [2, 3, 4],
        [3, 2],
        [3, 2],
      ],
      ([a, b, c]) => o.rope(a!, b!, c!),
      /rope: x must be \[B, heads, S, d\]/,
    ],
  ];
  test.each(bad)('%s %j', (_op, shapes, build, message) => {
    const x = inputs(...shapes);
    const attempt = () => x[0]!.graph.scope('layer 2', () => x[0]!.graph.scope('mlp', () => build(x)));
    expect(attempt).toThrow(ShapeError);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow('(at layer 2/mlp)');
    expect(() => build(x)).toThrow('(at the top level)');
  });

  test('operands of two graphs', () => {
    const [a] = inputs([2]);
    const [b] = inputs([2]);
    expect(() => o.add(a!, b!)).toThrow('add: an operand belongs to another graph');
  });

  test('inputs and constants', () => {
    const g = new Graph();
    const x = g.input('x', [2]);
    expect(g.input('x', [2])).toBe(x);
    expect(() => g.input('x', [3])).toThrow('input "x" declared as f32 [3], but it is f32 [2]');
    expect(() => g.input('x', [2], 'i32')).toThrow('input "x" declared as i32 [2]');
    for (const d of [0, -1, 1.5, Number.NaN])
      expect(() => g.input('y', [d])).toThrow('must be a positive integer');
    expect(() => g.constant(new Float32Array(3), [2, 2])).toThrow(
      'constant of 3 values given shape [2, 2] (4)',
    );
  });
});

describe('common subexpressions', () => {
  test('the same expression is one node', () => {
    const [a, b] = inputs([2, 3], [2, 3]) as [Tensor, Tensor];
    const g = a.graph;
    expect(o.mul(o.add(a, b), 2)).toBe(o.mul(o.add(a, b), 2));
    expect(o.slice(a, 1, 0, 2)).not.toBe(o.slice(a, 1, 0, 1));
    expect(o.add(a, b)).not.toBe(o.add(b, a));
    expect(o.matmul(a, b, { transB: true })).not.toBe(o.matmul(a, b, { transA: true }));
    expect(g.scalar(2)).toBe(g.constant(new Float32Array([2]), []));
  });

  test('constants are distinguished to the bit, by shape and by type', () => {
    const g = new Graph();
    expect(g.scalar(0)).not.toBe(g.scalar(-0));
    expect(g.scalar(Number.NaN)).toBe(g.scalar(Number.NaN));
    expect(g.constant(new Float32Array([1, 2]), [2])).not.toBe(g.constant(new Float32Array([1, 2]), [1, 2]));
    expect(g.constant(new Int32Array([1]), [], 'i32')).not.toBe(g.scalar(1));
  });

  test('operations without effect are left out', () => {
    const [a] = inputs([2, 3]) as [Tensor];
    expect(o.add(a, 0)).toBe(a);
    expect(o.mul(1, a)).toBe(a);
    expect(o.div(a, 1)).toBe(a);
    expect(o.reshape(o.reshape(a, [6]), [2, 3])).toBe(a);
    expect(o.transpose(o.transpose(a, [1, 0]), [1, 0])).toBe(a);
    expect(o.expand(a, [2, 3])).toBe(a);
    expect(o.slice(a, 0, 0, 2)).toBe(a);
    expect(o.concat([a], 0)).toBe(a);
    expect(o.cast(a, 'f32')).toBe(a);
  });

  test('keeps the label of the first occurrence', () => {
    const [a] = inputs([2]) as [Tensor];
    const first = a.graph.scope('one', () => o.exp(a));
    expect(a.graph.scope('two', () => o.exp(a))).toBe(first);
    expect(first.label).toBe('one');
    expect(() =>
      a.graph.scope('broken', () => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(a.graph.label).toBe('');
  });
});

describe('dead code', () => {
  test('what no output depends on is not live', () => {
    const [a, b, c] = inputs([2], [2], [2]) as [Tensor, Tensor, Tensor];
    const dead = o.exp(o.add(a, c));
    const y = o.mul(a, b);
    expect(liveNodes([y])).toEqual([a, b, y]);
    expect(liveNodes([y])).not.toContain(dead);
    expect(programInputs({ name: 'p', outputs: { y } }).map((x) => x.name)).toEqual(['a', 'b']);
  });

  test('orders live nodes so that they can be evaluated, even in deep graphs', () => {
    const [a] = inputs([2]) as [Tensor];
    let x = a;
    for (let i = 0; i < 30_000; i++) x = o.add(x, i + 1);
    const nodes = liveNodes([x]);
    expect(nodes).toHaveLength(60_001);
    const seen = new Set<Tensor>();
    for (const node of nodes) {
      for (const input of node.inputs) if (!seen.has(input)) throw new Error('an operand comes later');
      seen.add(node);
    }
  });
});
