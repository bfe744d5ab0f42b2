import { describe, expect, it } from 'vitest';
import { NumericError, ShapeError } from '../base/errors';
import { Rng } from '../base/rng';
import { finished } from '../kernels/shared/eigen';
import { relativeError, unpackF32 } from '../kernels/shared/testing';
import { hooi, hosvd, type Shape3 } from './tucker';
import golden from './tucker.golden.json';
import { reconstruct, unfold } from './tucker.testing';

const shape: Shape3 = [6, golden.layers, golden.hidden];
const ranks = golden.anchorRanks as unknown as Shape3;
const anchor = unpackF32(golden.anchor);

/** U Uᵀ [n, n]: free of the signs and rotations that vectors leave open. */
function projector(u: Float32Array, n: number, r: number): Float32Array {
  const p = new Float32Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let s = 0;
      for (let c = 0; c < r; c++) s += (u[i * r + c] as number) * (u[j * r + c] as number);
      p[i * n + j] = s;
    }
  }
  return p;
}

const gaussian = (size: number, seed: number) => {
  const rng = new Rng(seed);
  return Float32Array.from({ length: size }, () => rng.normal());
};

describe('Tucker', () => {
  it('unfolds each mode with the rest in order', () => {
    const x = Float32Array.from({ length: 12 }, (_, i) => i);
    expect([...unfold(x, [2, 2, 3], 0)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect([...unfold(x, [2, 2, 3], 1)]).toEqual([0, 1, 2, 6, 7, 8, 3, 4, 5, 9, 10, 11]);
    expect([...unfold(x, [2, 2, 3], 2)]).toEqual([0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
  });

  it('HOSVD and HOOI match numpy', () => {
    const h = finished(hosvd(anchor, shape, ranks));
    expect(h.error).toBeCloseTo(golden.hosvd.error, 6);
    expect(
      relativeError(projector(h.factors[2], shape[2], ranks[2]), unpackF32(golden.hosvd.projectorH)),
    ).toBeLessThan(1e-5);
    const o = finished(hooi(anchor, shape, ranks, { maxIterations: 60, tolerance: 1e-12 }));
    expect(o.error).toBeCloseTo(golden.hooi.error, 6);
    // HOOI stops on the error, which is flat at its minimum: the factors are known to about its square root.
    expect(
      relativeError(projector(o.factors[2], shape[2], ranks[2]), unpackF32(golden.hooi.projectorH)),
    ).toBeLessThan(1e-3);
    expect(o.error).toBeLessThanOrEqual(h.error);
  });

  it('reports its reconstruction’s error', () => {
    const t = finished(hosvd(anchor, shape, ranks));
    const back = reconstruct(t, shape, ranks);
    let off = 0;
    let all = 0;
    anchor.forEach((x, i) => {
      off += (x - (back[i] as number)) ** 2;
      all += x * x;
    });
    expect(t.error).toBeCloseTo(Math.sqrt(off / all), 6);
  });

  it('is exact at full rank, for odd and unit shapes', () => {
    for (const s of [
      [1, 1, 1],
      [3, 1, 7],
      [5, 4, 3],
    ] as const) {
      const x = gaussian(s[0] * s[1] * s[2], 3);
      const t = finished(hosvd(x, s, s));
      expect(relativeError(reconstruct(t, s, s), x)).toBeLessThan(1e-6);
      expect(t.error).toBeLessThan(1e-3);
    }
  });

  it('accepts zeros, and refuses NaN and ranks that do not fit', () => {
    expect(finished(hooi(new Float32Array(8), [2, 2, 2], [1, 1, 1])).error).toBe(0);
    expect(() => finished(hosvd(new Float32Array([1, Number.NaN]), [1, 1, 2], [1, 1, 1]))).toThrow(
      NumericError,
    );
    expect(() => finished(hosvd(new Float32Array(8), [2, 2, 2], [1, 3, 1]))).toThrow(ShapeError);
    expect(() => finished(hosvd(new Float32Array(8), [2, 2, 2], [1, 3, 1]))).toThrow(
      /rank 3 of mode 1 must be 1 … 2/,
    );
  });
});
