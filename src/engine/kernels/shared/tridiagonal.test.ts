import { describe, expect, it } from 'vitest';
import { Rng } from '../../base/rng';
import { finished } from './eigen';
import { simdRows } from './sweep-simd';
import { plainRows, tridiagonalise } from './tridiagonal';

/** A symmetric matrix of that rank, its lower triangle; what is above is NaN, since it must not be read. */
function matrix(n: number, rank: number): Float64Array {
  const rng = new Rng(3).fork(`tridiagonal ${n}`);
  const rows = Array.from({ length: n }, () => Array.from({ length: rank }, () => rng.normal()));
  const dot = (i: number, j: number): number =>
    rows[i]!.reduce((sum, x, k) => sum + x * (rows[j]![k] as number) * (i % 5 === 0 ? 200 : 1), 0);
  return Float64Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    return j > i ? Number.NaN : i === j ? dot(i, i) : (dot(i, j) + dot(j, i)) / 2;
  });
}

const lower = (a: Float64Array, n: number): number[] => Array.from(a).filter((_, at) => at % n <= at / n);

describe('the reduction to tridiagonal form', () => {
  it.each([
    [1, 1],
    [4, 4],
    [5, 2],
    [6, 6],
    [7, 7],
    [8, 1],
    [9, 9],
    [14, 14],
    [66, 70],
    [97, 12],
  ])('of %i rows and rank %i has the same bits in WebAssembly as in TypeScript', (n, rank) => {
    const [a, b] = [matrix(n, rank), matrix(n, rank)];
    const plain = finished(tridiagonalise(a, n, plainRows(n)));
    const simd = finished(tridiagonalise(b, n, simdRows(n)));
    expect(simd).toEqual(plain);
    expect(lower(b, n)).toEqual(lower(a, n));
    expect(lower(b, n).every(Number.isFinite)).toBe(true);
  });

  it('keeps the trace, and the sum of squares', () => {
    const n = 66;
    const a = matrix(n, 70);
    let [trace, squares] = [0, 0];
    for (let i = 0; i < n; i++) {
      trace += a[i * n + i] as number;
      for (let j = 0; j <= i; j++) squares += (a[i * n + j] as number) ** 2 * (i === j ? 1 : 2);
    }
    const { d, e } = finished(tridiagonalise(a, n));
    expect(d.reduce((sum, x) => sum + x, 0) / trace).toBeCloseTo(1, 12);
    const after = d.reduce((sum, x) => sum + x * x, 0) + 2 * e.reduce((sum, x) => sum + x * x, 0);
    expect(after / squares).toBeCloseTo(1, 12);
  });
});
