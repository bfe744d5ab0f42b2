import { type Rows, simdRows } from './sweep-simd';

/** A symmetric tridiagonal matrix and the reflections that lead to it: see `tridiagonalise`. */
export interface Tridiagonal {
  readonly d: Float64Array;
  readonly e: Float64Array;
  readonly h: Float64Array;
}

/** Smallest size for which WebAssembly is used. */
const SIMD_SIZE = 64;

/**
 * Reduces the last row of `a` [n, n] first. On return d is the diagonal, e[i] couples i−1 and i, row i of `a` holds the
 * Householder vector u_i (length i) and h[i] = u_iᵀu_i/2 (0: no reflection). The rank-2 update of one step is applied in the
 * sweep that multiplies by the next vector, so the matrix is read once per step. Only the lower triangle of `a` is read. Besides `a`
 * as many bytes are taken again.
 */
export function* tridiagonalise(
  a: Float64Array,
  n: number,
  rows: Rows = n < SIMD_SIZE ? plainRows(n) : simdRows(n),
): Generator<number, Tridiagonal> {
  const [d, e, h] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
  const { pairs, columns } = rows;
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) pairs[place(i, j, n)] = a[i * n + j] as number;
  for (let i = n - 1; i >= 1; i--) {
    const row = i * n;
    const [ui, qi] = [columns[4 * i] as number, columns[4 * i + 1] as number];
    for (let j = 0; j <= i; j++)
      a[row + j] =
        (pairs[place(i, j, n)] as number) -
        ui * (columns[4 * j + 1] as number) -
        qi * (columns[4 * j] as number);
    d[i] = a[row + i] as number;
    reflect(a, i, n, { e, h });
    for (let j = 0; j < i; j++) {
      columns[4 * j + 2] = h[i] === 0 ? 0 : (a[row + j] as number);
      columns[4 * j + 3] = 0;
    }
    sweep(rows, n, i);
    yield 0.8 * (1 - (i / n) ** 3);
    finishColumns(columns, i, h[i] as number);
  }
  d[0] = (pairs[0] as number) - 2 * (columns[0] as number) * (columns[1] as number);
  return { d, e, h };
}

const place = (i: number, j: number, n: number): number => 2 * n * (i >> 1) + 2 * j + (i & 1);

/** The reflection that leaves one element of row i before its diagonal. */
function reflect(a: Float64Array, i: number, n: number, { e, h }: Omit<Tridiagonal, 'd'>): void {
  const row = i * n;
  let tail = 0;
  for (let j = 0; j < i - 1; j++) tail += (a[row + j] as number) ** 2;
  const f = a[row + i - 1] as number;
  if (tail === 0) {
    e[i] = f;
    return;
  }
  const g = f >= 0 ? -Math.sqrt(f * f + tail) : Math.sqrt(f * f + tail);
  e[i] = g;
  h[i] = f * f + tail - f * g;
  a[row + i - 1] = f - g;
}

/** The old u and q of the next step. */
function finishColumns(columns: Float64Array, i: number, h: number): void {
  let k = 0;
  if (h !== 0) {
    for (let j = 0; j < i; j++) {
      const p = (columns[4 * j + 3] as number) / h;
      columns[4 * j + 3] = p;
      k += p * (columns[4 * j + 2] as number);
    }
    k /= 2 * h;
  }
  for (let j = 0; j < i; j++) {
    const u = columns[4 * j + 2] as number;
    columns[4 * j] = u;
    columns[4 * j + 1] = h === 0 ? 0 : (columns[4 * j + 3] as number) - k * u;
  }
}

/** For the leading i × i block: A −= u_old q_oldᵀ + q_old u_oldᵀ, and p += A u; two rows at a time. */
function sweep(rows: Rows, n: number, i: number): void {
  let r = 0;
  if (rows.four)
    for (; r + 3 < i; r += 4) {
      const sums = r > 0 ? rows.four(r) : NO_SUMS;
      twoRows(rows, n, { row: r, from: r, s0: sums[0] as number, s1: sums[1] as number });
      twoRows(rows, n, { row: r + 2, from: r, s0: sums[2] as number, s1: sums[3] as number });
    }
  for (; r + 1 < i; r += 2) twoRows(rows, n, { row: r, from: 0, s0: 0, s1: 0 });
  if (r < i) lastRow(rows, n, r);
}

const NO_SUMS = new Float64Array(4);

/** Rows `row` and `row` + 1 from a column on, and their sums over the columns before it. */
interface TwoRows {
  readonly row: number;
  readonly from: number;
  readonly s0: number;
  readonly s1: number;
}

/** The same for two rows, with their own block on the diagonal. */
function twoRows({ pairs, columns }: Rows, n: number, { row, from, s0: sum0, s1: sum1 }: TwoRows): void {
  let s0 = sum0;
  let s1 = sum1;
  const [c0, c1] = [4 * row, 4 * row + 4];
  const u0 = columns[c0] as number;
  const q0 = columns[c0 + 1] as number;
  const w0 = columns[c0 + 2] as number;
  const u1 = columns[c1] as number;
  const q1 = columns[c1 + 1] as number;
  const w1 = columns[c1 + 2] as number;
  for (let j = from; j < row; j++) {
    const at = n * row + 2 * j;
    const uj = columns[4 * j] as number;
    const qj = columns[4 * j + 1] as number;
    const wj = columns[4 * j + 2] as number;
    const t0 = (pairs[at] as number) - u0 * qj - q0 * uj;
    const t1 = (pairs[at + 1] as number) - u1 * qj - q1 * uj;
    pairs[at] = t0;
    pairs[at + 1] = t1;
    s0 += t0 * wj;
    s1 += t1 * wj;
    columns[4 * j + 3] = (columns[4 * j + 3] as number) + t0 * w0 + t1 * w1;
  }
  const own = n * row + 2 * row;
  const c00 = (pairs[own] as number) - 2 * u0 * q0;
  const c10 = (pairs[own + 1] as number) - u1 * q0 - q1 * u0;
  const c11 = (pairs[own + 3] as number) - 2 * u1 * q1;
  pairs[own] = c00;
  pairs[own + 1] = c10;
  pairs[own + 3] = c11;
  columns[c0 + 3] = (columns[c0 + 3] as number) + s0 + c00 * w0 + c10 * w1;
  columns[c1 + 3] = (columns[c1 + 3] as number) + s1 + c10 * w0 + c11 * w1;
}

/** The same for one row, the last of an odd number. */
function lastRow({ pairs, columns }: Rows, n: number, row: number): void {
  const own = 4 * row;
  const u = columns[own] as number;
  const q = columns[own + 1] as number;
  const w = columns[own + 2] as number;
  let s = 0;
  for (let j = 0; j < row; j++) {
    const at = n * row + 2 * j;
    const t = (pairs[at] as number) - u * (columns[4 * j + 1] as number) - q * (columns[4 * j] as number);
    pairs[at] = t;
    s += t * (columns[4 * j + 2] as number);
    columns[4 * j + 3] = (columns[4 * j + 3] as number) + t * w;
  }
  const c = (pairs[n * row + 2 * row] as number) - 2 * u * q;
  pairs[n * row + 2 * row] = c;
  columns[own + 3] = (columns[own + 3] as number) + s + c * w;
}

/** Rows without WebAssembly. */
export const plainRows = (n: number): Rows => ({
  pairs: new Float64Array(Math.ceil(n / 2) * 2 * n),
  columns: new Float64Array(4 * n),
});
