import type { Shape } from '../base/shape';
import type { Tensor } from './graph';
import * as o from './ops';
import type { OpKind } from './shape-rules';

/**
 * Gradient of one operation.
 * @param y the node  @param dy its cotangent  @param needs whether operand i's gradient is wanted
 * @returns one cotangent per operand: `null` if there is none by definition (comparisons, indices, masks),
 *   `undefined` where it is not implemented (asking for it is an error)
 */
type Rule = (
  y: Tensor,
  dy: Tensor,
  needs: (operand: number) => boolean,
) => readonly (Tensor | null | undefined)[];

const at = (y: Tensor, i: number): Tensor => y.inputs[i] as Tensor;
const unary =
  (rule: (x: Tensor, y: Tensor, dy: Tensor) => Tensor): Rule =>
  (y, dy) => [rule(at(y, 0), y, dy)];

/** Sums over the broadcast axes, skipped where the operand's gradient is not wanted. */
const back = (wanted: boolean, part: () => Tensor, shape: Shape): Tensor | null =>
  wanted ? o.sumTo(part(), shape) : null;

/** `null` says that an operation has no gradient; an absent one is an error when it is reached. */
export const GRADIENT_RULES: Readonly<Record<OpKind, Rule | null>> = {
  input: null,
  constant: null,
  stopGradient: null,
  withGradient: (y, dy) => [null, ...(y.graph.vjps.get(y)?.(dy) ?? [])],
  equal: null,
  greater: null,
  cast: null,
  // Unlike those above it has a gradient almost everywhere; we only use it under stopGradient, so reaching it is a mistake.
  reduceMax: () => [undefined],

  neg: unary((_x, _y, dy) => o.neg(dy)),
  exp: unary((_x, y, dy) => o.mul(dy, y)),
  log: unary((x, _y, dy) => o.div(dy, x)),
  sqrt: unary((_x, y, dy) => o.div(o.mul(dy, 0.5), y)),
  reciprocal: unary((_x, y, dy) => o.neg(o.mul(dy, o.square(y)))),
  abs: unary((x, _y, dy) => o.where(o.greater(x, x.graph.scalar(0)), dy, o.neg(dy))),
  sigmoid: unary((_x, y, dy) => o.mul(dy, o.mul(y, o.sub(1, y)))),
  silu: unary((x, y, dy) => {
    const s = o.sigmoid(x);
    return o.mul(dy, o.add(s, o.mul(y, o.sub(1, s))));
  }),
  tanh: unary((_x, y, dy) => o.mul(dy, o.sub(1, o.square(y)))),
  erf: unary((x, _y, dy) => o.mul(dy, o.mul(o.exp(o.neg(o.square(x))), 2 / Math.sqrt(Math.PI)))),
  relu: unary((x, _y, dy) => o.where(o.greater(x, x.graph.scalar(0)), dy, 0)),

  add: (y, dy, needs) => [back(needs(0), () => dy, at(y, 0).shape), back(needs(1), () => dy, at(y, 1).shape)],
  sub: (y, dy, needs) => [
    back(needs(0), () => dy, at(y, 0).shape),
    back(needs(1), () => o.neg(dy), at(y, 1).shape),
  ],
  mul: (y, dy, needs) => [
    back(needs(0), () => o.mul(dy, at(y, 1)), at(y, 0).shape),
    back(needs(1), () => o.mul(dy, at(y, 0)), at(y, 1).shape),
  ],
  div: (y, dy, needs) => [
    back(needs(0), () => o.div(dy, at(y, 1)), at(y, 0).shape),
    back(needs(1), () => o.neg(o.div(o.mul(dy, y), at(y, 1))), at(y, 1).shape),
  ],
  where: (y, dy, needs) => [
    null,
    back(needs(1), () => o.where(at(y, 0), dy, 0), at(y, 1).shape),
    back(needs(2), () => o.where(at(y, 0), 0, dy), at(y, 2).shape),
  ],

  reduceSum: (y, dy) => {
    const x = at(y, 0);
    const axes = y.attributes.axes as Shape;
    const kept = x.shape.map((d, i) => (axes.includes(i) ? 1 : d));
    return [o.expand(o.reshape(dy, kept), x.shape)];
  },
  softmax: (y, dy) => [o.mul(y, o.sub(dy, o.reduceSum(o.mul(dy, y), [-1], true)))],

  reshape: (y, dy) => [o.reshape(dy, at(y, 0).shape)],
  transpose: (y, dy) => {
    const perm = y.attributes.perm as Shape;
    return [
      o.transpose(
        dy,
        perm.map((_, i) => perm.indexOf(i)),
      ),
    ];
  },
  expand: (y, dy) => [o.sumTo(dy, at(y, 0).shape)],
  concat: (y, dy, needs) => {
    const axis = y.attributes.axis as number;
    let start = 0;
    return y.inputs.map((x, i) => {
      const from = start;
      start += x.shape[axis] as number;
      return needs(i) ? o.slice(dy, axis, from, start) : null;
    });
  },
  slice: (y, dy) => {
    const x = at(y, 0);
    const { axis, start, end } = y.attributes as { axis: number; start: number; end: number };
    return [o.pad(dy, axis, start, (x.shape[axis] as number) - end)];
  },
  pad: (y, dy) => {
    const x = at(y, 0);
    const { axis, before } = y.attributes as { axis: number; before: number };
    return [o.slice(dy, axis, before, before + (x.shape[axis] as number))];
  },
  gather: (y, dy) => {
    const table = at(y, 0);
    return [o.scatterAdd(at(y, 1), dy, table.shape[0] as number), null];
  },
  scatterAdd: (y, dy) => [null, o.gather(dy, at(y, 0))],

  // With A' = op(A), B' = op(B): dA' = dY·B'ᵀ and dB' = A'ᵀ·dY, written so that nothing is transposed explicitly.
  matmul: (y, dy, needs) => {
    const { transA, transB } = y.attributes as { transA: boolean; transB: boolean };
    const [a, b] = [at(y, 0), at(y, 1)];
    const da = () =>
      transA ? o.matmul(b, dy, { transA: transB, transB: true }) : o.matmul(dy, b, { transB: !transB });
    const db = () =>
      transB ? o.matmul(dy, a, { transA: true, transB: transA }) : o.matmul(a, dy, { transA: !transA });
    return [back(needs(0), da, a.shape), back(needs(1), db, b.shape)];
  },
  gemm: (y, dy, needs) => {
    const { transA, transB, alpha } = y.attributes as { transA: boolean; transB: boolean; alpha: number };
    const [a, b, c] = [at(y, 0), at(y, 1), y.inputs[2]];
    const da = () =>
      transA
        ? o.gemm(b, dy, { transA: transB, transB: true, alpha })
        : o.gemm(dy, b, { transB: !transB, alpha });
    const db = () =>
      transB
        ? o.gemm(dy, a, { transA: true, transB: transA, alpha })
        : o.gemm(a, dy, { transA: !transA, alpha });
    const parts = [needs(0) ? da() : null, needs(1) ? db() : null];
    return c ? [...parts, back(needs(2), () => dy, c.shape)] : parts;
  },

  // y = x·r·w with r = (mean(x²) + ε)^−½: dx = r·(g − x·r²·mean(g·x)) for g = dy·w.
  rmsNorm: (y, dy, needs) => {
    const [x, weight] = [at(y, 0), at(y, 1)];
    const r = o.reciprocal(
      o.sqrt(o.add(o.reduceMean(o.square(x), [-1], true), y.attributes.epsilon as number)),
    );
    const dx = () => {
      const g = o.mul(dy, weight);
      const xr = o.mul(x, r);
      return o.mul(r, o.sub(g, o.mul(xr, o.reduceMean(o.mul(g, xr), [-1], true))));
    };
    return [needs(0) ? dx() : null, back(needs(1), () => o.mul(dy, o.mul(x, r)), weight.shape)];
  },
  // A rotation: its transpose rotates the other way. The tables are constants of the model.
  rope: (y, dy) => [o.rope(dy, at(y, 1), o.neg(at(y, 2))), undefined, undefined],
};
