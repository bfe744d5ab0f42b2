import { describe, expect, test } from 'vitest';
import { vjp } from './gradient';
import { gradients } from './gradient.testing';
import { GRADIENT_RULES } from './gradient-rules';
import { Graph, type Tensor } from './graph';
import { interpret } from './interpret.testing';
import { buildCase, nameOf, OP_CASES } from './op-cases.testing';
import * as o from './ops';
import { OP_KINDS } from './shape-rules';

const valuesOf = (
  feeds: Readonly<Record<string, { data: ArrayLike<number> }>>,
): Record<string, Float64Array> =>
  Object.fromEntries(Object.entries(feeds).map(([name, { data }]) => [name, Float64Array.from(data)]));

describe('gradients against central differences in float64', () => {
  test.each(OP_CASES.map((c) => [nameOf(c), c] as const))('%s', (_name, c) => {
    const { y, wrt, gradients: found, feeds } = buildCase(c);
    const values = valuesOf(feeds);
    const dy = values.dy as Float64Array;
    // stopGradient holds its value fixed: differences are taken with it frozen at the point.
    const frozen = freeze(y, values);
    const loss = (): number =>
      (interpret([frozen], values)[0] as Float64Array).reduce((s, v, i) => s + v * (dy[i] as number), 0);
    const computed = interpret(found, values);
    wrt.forEach((x, k) => {
      const value = values[x.name] as Float64Array;
      for (let i = 0; i < value.length; i++) {
        const h = 1e-5;
        const middle = value[i] as number;
        value[i] = middle + h;
        const above = loss();
        value[i] = middle - h;
        const below = loss();
        value[i] = middle;
        // Truncation h² and rounding 1e-16/h both stay under 1e-9; constants of the rules are rounded to f32 (6e-8).
        const difference = (above - below) / (2 * h);
        const error = Math.abs(((computed[k] as Float64Array)[i] as number) - difference);
        expect(error / Math.max(1, Math.abs(difference)), `d/d${x.name}[${i}]`).toBeLessThan(3e-7);
      }
    });
  });

  test('every operation has a case', () => {
    const covered = new Set(OP_CASES.map((c) => c.op));
    expect(OP_KINDS.filter((op) => !covered.has(op))).toEqual(['input', 'constant']);
  });
});

/** `y` rebuilt with every stopGradient (and what lies under it) replaced by its value at the point. */
function freeze(y: Tensor, values: Record<string, Float64Array>): Tensor {
  const made = new Map<Tensor, Tensor>();
  const graph = new Graph();
  const copy = (x: Tensor): Tensor => {
    const before = made.get(x);
    if (before) return before;
    let node: Tensor;
    if (x.op === 'input') node = graph.input(x.name, x.shape, x.dtype);
    else if (x.op === 'constant')
      node = graph.constant(x.data as Float32Array<ArrayBuffer>, x.shape, x.dtype);
    // Kept in float64 through an input of its own: an f32 constant would round it.
    else if (x.op === 'stopGradient') {
      values[`stopped ${x.id}`] = interpret([x], values)[0] as Float64Array;
      node = graph.input(`stopped ${x.id}`, x.shape);
    } else node = graph.apply(x.op, x.inputs.map(copy), x.attributes);
    made.set(x, node);
    return node;
  };
  return copy(y);
}

describe('reverse mode', () => {
  test('a value used twice gets both gradients', () => {
    const g = new Graph();
    const x = g.input('x', [2]);
    const [dx] = gradients(o.reduceSum(o.add(o.mul(x, o.exp(x)), x)), [x]) as [Tensor];
    const at = [0.3, -1.2];
    const expected = at.map((v) => Math.exp(v) * (1 + v) + 1);
    const [found] = interpret([dx], { x: at }) as [Float64Array];
    found.forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i] as number, 12);
    });
  });

  test('adds up several outputs with their cotangents and ignores outputs without one', () => {
    const g = new Graph();
    const x = g.input('x', [3]);
    const [a, b, c] = [o.mul(x, 2), o.square(x), o.exp(x)];
    const [dx] = vjp([a, b, c], [g.input('da', [3]), g.input('db', [3]), undefined], [x]) as [Tensor];
    const [found] = interpret([dx], { x: [1, 2, 3], da: [1, 1, 1], db: [10, 20, 30] }) as [Float64Array];
    expect([...found]).toEqual([22, 82, 182]);
  });

  test('gives zeros for what the output does not depend on, and adds no nodes for frozen operands', () => {
    const g = new Graph();
    const [x, w, unused] = [g.input('x', [2, 3]), g.input('w', [3, 4]), g.input('unused', [5])];
    const loss = o.reduceSum(o.matmul(x, w));
    const before = g.nodes.length;
    const [dx, du] = gradients(loss, [x, unused]) as [Tensor, Tensor];
    expect([...(interpret([du], {})[0] as Float64Array)]).toEqual([0, 0, 0, 0, 0]);
    // one, its expansion and the product with wᵀ, the zeros: nothing for w
    expect(g.nodes.slice(before).filter((n) => n.op === 'gemm')).toHaveLength(1);
    expect(dx.op).toBe('gemm');
  });

  test('a tensor asked for passes its gradient on to another one asked for', () => {
    const g = new Graph();
    const x = g.input('x', [2]);
    const h = o.exp(x);
    const [dh, dx] = gradients(o.reduceSum(o.square(h)), [h, x]) as [Tensor, Tensor];
    const [vh, vx] = interpret([dh, dx], { x: [0.5, -0.5] }) as [Float64Array, Float64Array];
    expect(vh[0]).toBeCloseTo(2 * Math.exp(0.5), 12);
    expect(vx[0]).toBeCloseTo(2 * Math.exp(1), 12);
  });

  test('nothing flows through stopGradient or a comparison', () => {
    const g = new Graph();
    const x = g.input('x', [2]);
    const y = o.reduceSum(o.add(o.stopGradient(o.exp(x)), o.cast(o.greater(x, g.scalar(0)), 'f32')));
    expect([...(interpret(gradients(y, [x]), { x: [1, -1] })[0] as Float64Array)]).toEqual([0, 0]);
  });
});

describe('refusals', () => {
  test('a gradient that is not implemented names the operation and the place', () => {
    const g = new Graph();
    const x = g.input('x', [2, 3]);
    const y = g.scope('layer 7', () => g.scope('attention', () => o.reduceMax(x, [1])));
    expect(() => gradients(o.reduceSum(y), [x])).toThrow(/"reduceMax" has no gradient.*layer 7\/attention/);
  });

  test('a missing rule names the operation', () => {
    const rules = GRADIENT_RULES as Record<string, unknown>;
    const rule = rules.tanh;
    try {
      delete rules.tanh;
      const g = new Graph();
      const x = g.input('x', [2]);
      const y = g.scope('here', () => o.tanh(x));
      expect(() => gradients(o.reduceSum(y), [x])).toThrow(
        /no gradient rule for operation "tanh" \(at here\)/,
      );
    } finally {
      rules.tanh = rule;
    }
  });

  test('every operation has a rule or says that it has no gradient', () => {
    for (const op of OP_KINDS) expect(GRADIENT_RULES[op], op).not.toBeUndefined();
  });

  test('a gradient of a non-scalar', () => {
    const g = new Graph();
    const x = g.input('x', [2, 3]);
    expect(() => gradients(o.exp(x), [x])).toThrow(/\[2, 3\]; reduce it to a scalar/);
  });

  test('the tables of a rotation', () => {
    const g = new Graph();
    const [x, c, s] = [g.input('x', [1, 1, 2, 4]), g.input('c', [2, 2]), g.input('s', [2, 2])];
    expect(() => gradients(o.reduceSum(o.rope(x, c, s)), [c])).toThrow(
      /"rope" has no gradient for its operand 1/,
    );
  });
});
