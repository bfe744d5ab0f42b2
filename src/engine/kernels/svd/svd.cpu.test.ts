import { describe, expect, it } from 'vitest';
import { NumericError, ShapeError } from '../../base/errors';
import { type CaseKind, caseMatrix } from './cases';
import { svdCpu } from './svd.cpu';
import golden from './svd.golden.json';
import { checkGoldens, checkProperties, type Decompose, orthogonality } from './svd.testing';

/** The CPU path refuses a bad batch as a whole; matrix by matrix it tells which. */
const onCpu: Decompose = async (a, shape) => {
  const { batch, rows, cols, r } = shape;
  const k = Math.min(rows, cols);
  const all = {
    sigma: new Float32Array(batch * k),
    u: new Float32Array(batch * rows * r),
    bad: Array(batch).fill(0),
  };
  for (let b = 0; b < batch; b++) {
    try {
      const { sigma, u } = svdCpu(a.subarray(b * rows * cols, (b + 1) * rows * cols), { ...shape, batch: 1 });
      all.sigma.set(sigma, b * k);
      all.u.set(u, b * rows * r);
    } catch (error) {
      if (!(error instanceof NumericError)) throw error;
      all.bad[b] = 1;
    }
  }
  return all;
};

describe('against float64 LAPACK on the same float32 data', () => {
  it('builds the matrices that the script used', () => {
    for (const c of golden.cases) {
      const checksum = caseMatrix(c.kind as CaseKind, c.m, c.n, c.seed).reduce((s, x) => s + Math.abs(x), 0);
      expect(Math.abs(checksum / c.checksum - 1), `${c.kind} ${c.m}×${c.n}`).toBeLessThan(1e-12);
    }
  });
  checkGoldens(onCpu, () => true);
});

checkProperties(onCpu, [
  [9, 14],
  [13, 8],
  [34, 35],
]);

describe('awkward matrices', () => {
  it('gives a completed basis and rank 0 for zeros', () => {
    const { sigma, u, rank } = svdCpu(new Float32Array(12), { batch: 1, rows: 4, cols: 3, r: 3 });
    expect([...sigma]).toEqual([0, 0, 0]);
    expect([...rank]).toEqual([0]);
    expect(orthogonality(u, 4, 3)).toBeLessThan(1e-7);
  });

  it('completes the basis of rank-deficient matrices, tall, wide and square', () => {
    for (const [m, n] of [
      [24, 10],
      [10, 24],
      [12, 12],
      [1, 9],
    ] as const) {
      const r = Math.min(m, n);
      const base = caseMatrix('white', m, n, 3);
      const a = new Float32Array(m * n);
      // Three distinct rows repeated: rank 3 exactly.
      for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) a[i * n + j] = base[(i % 3) * n + j] as number;
      const { sigma, u, rank } = svdCpu(a, { batch: 1, rows: m, cols: n, r });
      expect(rank[0]).toBe(Math.min(3, r));
      expect(orthogonality(u, m, r)).toBeLessThan(1e-6);
      for (let i = 3; i < r; i++) expect(sigma[i]).toBeLessThan(1e-6 * (sigma[0] as number));
    }
  });

  it('handles repeated values: the identity and a constant matrix', () => {
    const eye = new Float32Array(49);
    for (let i = 0; i < 7; i++) eye[i * 8] = 2;
    const one = svdCpu(eye, { batch: 1, rows: 7, cols: 7, r: 7 });
    for (const s of one.sigma) expect(Math.abs(s - 2)).toBeLessThan(1e-6);
    expect(orthogonality(one.u, 7, 7)).toBeLessThan(1e-6);
    const flat = svdCpu(new Float32Array(30).fill(-0.25), { batch: 1, rows: 5, cols: 6, r: 2 });
    expect(flat.sigma[0]).toBeCloseTo(0.25 * Math.sqrt(30), 6);
    expect(flat.rank[0]).toBe(1);
    for (let i = 0; i < 5; i++) expect(flat.u[i * 2]).toBeCloseTo(1 / Math.sqrt(5), 6);
  });

  it('spans float32: 1e38, denormals, and both batched together', () => {
    const white = caseMatrix('white', 6, 4, 9);
    const a = new Float32Array(72);
    white.forEach((x, i) => {
      a[i] = x;
      a[24 + i] = x * 2 ** 126;
      a[48 + i] = x * 2 ** -120;
    });
    const { sigma, rank } = svdCpu(a, { batch: 3, rows: 6, cols: 4, r: 0 });
    for (let i = 0; i < 4; i++) {
      const s = sigma[i] as number;
      expect((sigma[4 + i] as number) / 2 ** 126 / s).toBeCloseTo(1, 6);
      expect((sigma[8 + i] as number) / 2 ** -120 / s).toBeCloseTo(1, 6);
    }
    expect([...rank]).toEqual([4, 4, 4]);
  });

  it('makes the entry of largest magnitude positive', () => {
    const { u } = svdCpu(caseMatrix('decay', 20, 30, 4), { batch: 1, rows: 20, cols: 30, r: 5 });
    for (let c = 0; c < 5; c++) {
      let best = 0;
      for (let i = 0; i < 20; i++) {
        const x = u[i * 5 + c] as number;
        if (Math.abs(x) > Math.abs(best)) best = x;
      }
      expect(best).toBeGreaterThan(0);
    }
  });

  it('refuses NaN, Inf, a wrong r and a wrong length', () => {
    const shape = { batch: 1, rows: 2, cols: 2, r: 1 };
    expect(() => svdCpu(new Float32Array([1, 2, Number.NaN, 4]), shape)).toThrow(NumericError);
    expect(() => svdCpu(new Float32Array([1, 2, -Infinity, 4]), shape)).toThrow(/-Infinity at element 2/);
    expect(() => svdCpu(new Float32Array(4), { ...shape, r: 3 })).toThrow(ShapeError);
    expect(() => svdCpu(new Float32Array(5), shape)).toThrow(/5 elements, expected 4/);
  });
});
