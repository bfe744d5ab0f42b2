import { describe, expect, it } from 'vitest';
import { unpackF32 } from '../shared/golden';
import { sameBits } from '../shared/testing';
import { type CaseKind, caseMatrix, GATES, svdErrors } from './cases';
import type { SvdShape } from './svd.cpu';
import golden from './svd.golden.json';

/** One method of decomposing a [B, m, n]; one test body checks all of them. */
export type Decompose = (
  a: Float32Array,
  shape: SvdShape,
) => Promise<{
  readonly sigma: Float32Array;
  readonly u: Float32Array;
  /** [B]: 1 where the matrix holds NaN or Inf. */
  readonly bad: ArrayLike<number>;
}>;

export type Size = readonly [m: number, n: number];

/** Checks all gates on every stored case that the method takes. */
export function checkGoldens(decompose: Decompose, takes: (m: number, n: number) => boolean): void {
  for (const c of golden.cases.filter(({ m, n }) => takes(m, n))) {
    it(`${c.kind} ${c.m}×${c.n}, r = ${c.r}`, async () => {
      const a = caseMatrix(c.kind as CaseKind, c.m, c.n, c.seed);
      const { sigma, u } = await decompose(a, { batch: 1, rows: c.m, cols: c.n, r: c.r });
      const e = svdErrors(sigma, u, unpackF32(c.sigma), unpackF32(c.u), c.m, c.r);
      expect(e.relative).toBeLessThan(GATES.relative);
      expect(e.absolute).toBeLessThan(GATES.absolute);
      expect(e.orthogonality).toBeLessThan(GATES.orthogonality);
      expect(e.angle).toBeLessThan(GATES.angle);
    });
  }
}

/** max |UᵀU − I| of u [m, r]. */
export const orthogonality = (u: Float32Array, m: number, r: number): number =>
  svdErrors(new Float32Array(1), u, new Float32Array([1]), u, m, r).orthogonality;

const transposed = (a: Float32Array, [m, n]: Size) =>
  Float32Array.from({ length: m * n }, (_, i) => a[(i % m) * n + Math.floor(i / m)] as number);

/** ‖A − U Uᵀ A‖_F / ‖A‖_F: the part of a [m, n] outside the span of u [m, r]. */
function missed(a: Float32Array, u: Float32Array, [m, n]: Size, r: number): number {
  let outside = 0;
  let all = 0;
  for (let j = 0; j < n; j++) {
    const x = Float64Array.from({ length: m }, (_, i) => a[i * n + j] as number);
    for (const v of x) all += v * v;
    for (let c = 0; c < r; c++) {
      let dot = 0;
      for (let i = 0; i < m; i++) dot += (u[i * r + c] as number) * (x[i] as number);
      for (let i = 0; i < m; i++) x[i] = (x[i] as number) - dot * (u[i * r + c] as number);
    }
    for (const v of x) outside += v * v;
  }
  return Math.sqrt(outside / all);
}

/** Checks properties that hold without knowing the answer, at each of `sizes`. */
export function checkProperties(decompose: Decompose, sizes: readonly Size[]): void {
  const one = (a: Float32Array, [rows, cols]: Size, r: number) => decompose(a, { batch: 1, rows, cols, r });
  const close = (got: Float32Array, want: ArrayLike<number>, size: number) => {
    expect(got.length).toBe(want.length);
    got.forEach((x, i) => {
      expect(Math.abs(x - (want[i] as number)), `σ ${i}`).toBeLessThan(GATES.absolute * size);
    });
  };

  describe.each(sizes.map((size) => [size.join('×'), size] as const))('%s', (_name, size) => {
    const [m, n] = size;
    const k = Math.min(m, n);
    const a = caseMatrix('decay', m, n, 21);

    it('keeps σ under permuted rows, changed signs and transposition, and Σσ² = ‖A‖²', async () => {
      const { sigma, u } = await one(a, size, k);
      const top = sigma[0] as number;
      const r = Math.min(3, k);
      const order = Array.from({ length: m }, (_, i) => (m % 5 === 0 ? m - 1 - i : (i * 5 + 3) % m));
      const sign = (i: number) => (i % 3 === 1 ? -1 : 1);
      /** Row i of the result is row order[i] of x [m, width], its sign changed here and there. */
      const moved = (x: Float32Array, width: number) =>
        Float32Array.from({ length: m * width }, (_, at) => {
          const i = Math.floor(at / width);
          return sign(i) * (x[(order[i] as number) * width + (at % width)] as number);
        });
      const other = await one(
        moved(a, n).map((x, at) => x * sign(at % n)),
        size,
        r,
      );
      close(other.sigma, sigma, top);
      const wanted = moved((await one(a, size, r)).u, r);
      expect(svdErrors(other.sigma, other.u, sigma, wanted, m, r).angle).toBeLessThan(GATES.angle);
      close((await one(transposed(a, size), [n, m], 0)).sigma, sigma, top);
      const squares = (x: Float32Array) => x.reduce((sum, v) => sum + v * v, 0);
      expect(Math.abs(squares(sigma) / squares(a) - 1)).toBeLessThan(2e-6);
      expect(orthogonality(u, m, k)).toBeLessThan(GATES.orthogonality);
      for (let i = 1; i < k; i++) expect(sigma[i]).toBeLessThanOrEqual(sigma[i - 1] as number);
    });

    it('is unaffected by powers of two, up to the limits of float32, and reproducible to the bit', async () => {
      const white = caseMatrix('white', m, n, 9);
      const powers = [0, 0, 60, -60, 120];
      const all = Float32Array.from(
        { length: 5 * m * n },
        (_, i) => (white[i % (m * n)] as number) * 2 ** (powers[Math.floor(i / (m * n))] as number),
      );
      const { sigma, u } = await decompose(all, { batch: 5, rows: m, cols: n, r: k });
      powers.forEach((power, b) => {
        const scaled = sigma.subarray(b * k, (b + 1) * k).map((x) => x * 2 ** -power);
        expect(sameBits(scaled, sigma.slice(0, k)), `σ at 2^${power}`).toBe(true);
        expect(sameBits(u.slice(b * m * k, (b + 1) * m * k), u.slice(0, m * k)), `u at 2^${power}`).toBe(
          true,
        );
      });
    });

    it('completes the basis of zeros, deficient, constant and orthogonal matrices', async () => {
      const base = caseMatrix('white', m, n, 3);
      const all = new Float32Array(5 * m * n);
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          const at = i * n + j;
          all[m * n + at] = base[(i % 3) * n + j] as number;
          all[2 * m * n + at] = -0.25;
          all[3 * m * n + at] = i === j ? 2 : 0;
          // A reflection of the identity: k equal values that no axis shows.
          all[4 * m * n + at] = (i === j ? 1 : 0) - (i < k && j < k ? 2 / k : 0);
        }
      }
      const { sigma, u } = await decompose(all, { batch: 5, rows: m, cols: n, r: k });
      const want = [
        () => 0,
        undefined,
        (i: number) => (i === 0 ? 0.25 * Math.sqrt(m * n) : 0),
        () => 2,
        () => 1,
      ];
      for (let b = 0; b < 5; b++) {
        const s = sigma.slice(b * k, (b + 1) * k);
        const f = want[b];
        if (f)
          close(
            s,
            Array.from({ length: k }, (_, i) => f(i)),
            f(0) || 1,
          );
        else for (let i = 3; i < k; i++) expect(s[i]).toBeLessThan(GATES.absolute * (s[0] as number));
        const columns = u.slice(b * m * k, (b + 1) * m * k);
        expect(orthogonality(columns, m, k), `matrix ${b}`).toBeLessThan(GATES.orthogonality);
        if (b > 0)
          expect(missed(all.subarray(b * m * n, (b + 1) * m * n), columns, size, k)).toBeLessThan(3e-6);
      }
    });

    it('flags NaN and Inf, and only the matrix that holds them', async () => {
      for (const value of [Number.NaN, Infinity, -Infinity]) {
        const hurt = caseMatrix('white', 3 * m, n, 5);
        hurt[m * n + ((m * n) >> 1)] = value;
        const { sigma, bad } = await decompose(hurt, { batch: 3, rows: m, cols: n, r: 1 });
        expect(Array.from(bad)).toEqual([0, 1, 0]);
        for (const b of [0, 2]) expect(sigma.slice(b * k, (b + 1) * k).every(Number.isFinite)).toBe(true);
      }
    });
  });
}
