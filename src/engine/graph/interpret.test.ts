import { describe, expect, test } from 'vitest';
import { Graph } from './graph';
import { interpret } from './interpret.testing';
import * as o from './ops';

// The interpreter is the reference of everything else, so it is checked against numbers worked out by hand.
const list = (x: Float64Array | undefined): number[] => Array.from(x as Float64Array);

describe('the interpreter', () => {
  test('products with each transposition and an addend', () => {
    const g = new Graph();
    const [a, b] = [g.input('a', [2, 2]), g.input('b', [2, 2])];
    const feeds = { a: [1, 2, 3, 4], b: [5, 6, 7, 8] };
    const of = (t: o.GemmOptions) => list(interpret([o.gemm(a, b, t)], feeds)[0]);
    expect(of({})).toEqual([19, 22, 43, 50]);
    expect(of({ transA: true })).toEqual([26, 30, 38, 44]);
    expect(of({ transB: true })).toEqual([17, 23, 39, 53]);
    expect(of({ transA: true, transB: true, alpha: 2 })).toEqual([46, 62, 68, 92]);
    const c = g.constant(new Float32Array([100, 200]), [2]);
    expect(list(interpret([o.gemm(a, b, {}, c)], feeds)[0])).toEqual([119, 222, 143, 250]);
  });

  test('batches broadcast', () => {
    const g = new Graph();
    const y = o.matmul(g.input('a', [2, 1, 2]), g.input('b', [2, 1]));
    expect(list(interpret([y], { a: [1, 2, 3, 4], b: [10, 1] })[0])).toEqual([12, 34]);
  });

  test('reductions, expansion and transposition', () => {
    const g = new Graph();
    const a = g.input('a', [2, 3]);
    const feeds = { a: [1, 2, 3, 4, 5, -6] };
    const of = (y: typeof a) => list(interpret([y], feeds)[0]);
    expect(of(o.reduceSum(a, [0]))).toEqual([5, 7, -3]);
    expect(of(o.reduceSum(a))).toEqual([9]);
    expect(of(o.reduceMax(a, [1]))).toEqual([3, 5]);
    expect(of(o.transpose(a, [1, 0]))).toEqual([1, 4, 2, 5, 3, -6]);
    expect(of(o.expand(o.slice(a, 0, 1, 2), [2, 3]))).toEqual([4, 5, -6, 4, 5, -6]);
    expect(of(o.pad(a, 1, 1, 0))).toEqual([0, 1, 2, 3, 0, 4, 5, -6]);
    expect(of(o.concat([a, o.slice(a, 1, 0, 1)], 1))).toEqual([1, 2, 3, 1, 4, 5, -6, 4]);
  });

  test('gathering and scattering repeated rows', () => {
    const g = new Graph();
    const i = g.input('i', [3], 'i32');
    const table = g.input('t', [2, 2]);
    expect(list(interpret([o.gather(table, i)], { i: [1, 0, 1], t: [1, 2, 3, 4] })[0])).toEqual([
      3, 4, 1, 2, 3, 4,
    ]);
    const u = g.input('u', [3, 2]);
    expect(list(interpret([o.scatterAdd(i, u, 3)], { i: [1, 0, 1], u: [1, 2, 3, 4, 5, 6] })[0])).toEqual([
      3, 4, 6, 8, 0, 0,
    ]);
  });

  test('rotation in halves', () => {
    const g = new Graph();
    const quarter = (f: (x: number) => number) =>
      g.constant(new Float32Array([f(0), f(Math.PI / 2)]), [1, 2]);
    const y = o.rope(g.input('x', [1, 1, 1, 4]), quarter(Math.cos), quarter(Math.sin));
    const found = list(interpret([y], { x: [1, 2, 3, 4] })[0]);
    // The first pair (1, 3) stays, the second (2, 4) turns by a quarter to (−4, 2).
    [1, -4, 3, 2].forEach((v, k) => {
      expect(found[k]).toBeCloseTo(v, 6);
    });
  });

  test('special functions', () => {
    const g = new Graph();
    const x = g.input('x', [5]);
    // Abramowitz and Stegun, table 7.1
    const table = [0.1, 0.5, 1, 2, 3.5];
    const erf = [
      0.1124629160182849, 0.5204998778130465, 0.8427007929497149, 0.9953222650189527, 0.9999992569016276,
    ];
    list(interpret([o.erf(x)], { x: table })[0]).forEach((v, i) => {
      expect(v).toBeCloseTo(erf[i] as number, 14);
    });
    expect(list(interpret([o.erf(x)], { x: table.map((v) => -v) })[0])[4]).toBeCloseTo(
      -(erf[4] as number),
      14,
    );
    const row = list(interpret([o.softmax(x)], { x: [1000, 1000, 1000, 1000, 1000] })[0]);
    expect(row).toEqual([0.2, 0.2, 0.2, 0.2, 0.2]);
    expect(list(interpret([o.logSumExp(x)], { x: [1000, 1000, 1000, 1000, 1000] })[0])[0]).toBeCloseTo(
      1000 + Math.log(5),
      10,
    );
  });

  test('a missing or short input is named', () => {
    const g = new Graph();
    const y = o.exp(g.input('x', [2]));
    expect(() => interpret([y], {})).toThrow('input "x" needs 2 values, got none');
    expect(() => interpret([y], { x: [1] })).toThrow('input "x" needs 2 values, got 1');
  });
});
