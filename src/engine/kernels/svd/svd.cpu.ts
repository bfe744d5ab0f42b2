import { ShapeError } from '../../base/errors';
import { expectDims, expectFinite, expectLength } from '../shared/check';
import { finished, fixSign, orthonormaliseSteps, symmetricEigenSteps } from '../shared/eigen';
import { gramSteps } from '../shared/gram';

/** B matrices of m rows and n columns, row-major; k = min(m, n); the first r left singular vectors are requested. */
export interface SvdShape {
  readonly batch: number;
  readonly rows: number;
  readonly cols: number;
  /** 0 … k; 0 gives the singular values alone. */
  readonly r: number;
}

export interface SvdResult {
  /** [B, k], largest first. */
  readonly sigma: Float32Array<ArrayBuffer>;
  /**
   * [B, m, r]: orthonormal columns. In each, the entry of largest magnitude (the first of equals) is positive.
   * Columns past the rank merely complete the basis.
   */
  readonly u: Float32Array<ArrayBuffer>;
  /** [B]: how many σ exceed max(m, n) · 2⁻²³ · σ₁, the resolution of float32 data. */
  readonly rank: Int32Array<ArrayBuffer>;
}

/** Throws `ShapeError` for an impossible shape, r, or number of elements. */
export function checkSvd(length: number, { batch, rows, cols, r }: SvdShape): void {
  expectDims('svd', { batch, rows, cols });
  expectLength('svd', 'matrices', length, [batch, rows, cols]);
  const k = Math.min(rows, cols);
  if (!Number.isInteger(r) || r < 0 || r > k) {
    throw new ShapeError(`svd: r = ${r} vectors requested of a ${rows} × ${cols} matrix, expected 0 … ${k}`);
  }
}

/** Number of σ above the resolution of float32 data. */
export function numericalRank(sigma: Float32Array, rows: number, cols: number): number {
  const floor = Math.max(rows, cols) * 2 ** -23 * (sigma[0] ?? 0);
  let rank = 0;
  while (rank < sigma.length && (sigma[rank] as number) > floor) rank++;
  return rank;
}

/**
 * Singular values and leading left vectors of `a` [B, m, n], in float64 inside. The Gram matrix of the shorter side
 * is decomposed (svd.cpu.test.ts has the accuracy gates that justify it); if that is the column side, u = A v / σ and the
 * columns are orthonormalised again. Throws `ShapeError`, and `NumericError` on NaN or Inf.
 */
export function svdCpu(a: Float32Array, shape: SvdShape): SvdResult {
  return finished(svdSteps(a, shape));
}

/** `svdCpu` in pieces of a few milliseconds, so that its caller can yield to others; yields the share done. */
export function* svdSteps(a: Float32Array, shape: SvdShape): Generator<number, SvdResult> {
  checkSvd(a.length, shape);
  expectFinite('svd', 'matrices', a);
  const { batch, rows, cols, r } = shape;
  const k = Math.min(rows, cols);
  const sigma = new Float32Array(batch * k);
  const u = new Float32Array(batch * rows * r);
  const rank = new Int32Array(batch);
  for (let b = 0; b < batch; b++) {
    const one = a.subarray(b * rows * cols, (b + 1) * rows * cols);
    const s = sigma.subarray(b * k, (b + 1) * k);
    const steps = decompose(one, rows, cols, r, s, u.subarray(b * rows * r, (b + 1) * rows * r));
    for (let step = steps.next(); !step.done; step = steps.next()) yield (b + step.value) / batch;
    rank[b] = numericalRank(s, rows, cols);
  }
  return { sigma, u, rank };
}

function* decompose(
  a: Float32Array,
  m: number,
  n: number,
  r: number,
  sigma: Float32Array,
  u: Float32Array,
): Generator<number, void> {
  const scale = powerOfTwoScale(a);
  if (scale === 0) {
    for (let c = 0; c < r; c++) u[c * r + c] = 1;
    return;
  }
  const k = Math.min(m, n);
  const gram = new Float64Array(k * k);
  yield* part(
    m <= n ? gramSteps(gram, a, 0, m, n, n, 1, scale) : gramSteps(gram, a, 0, n, m, 1, n, scale),
    0,
    GRAM_SHARE,
  );
  const { values, vectors } = yield* part(symmetricEigenSteps(gram, k, r), GRAM_SHARE, 1);
  for (let i = 0; i < k; i++) sigma[i] = Math.sqrt(Math.max(0, values[i] as number)) / scale;
  const left = m <= n ? vectors : yield* imageOf(a, m, n, r, vectors, scale);
  for (let c = 0; c < r; c++) {
    for (let i = 0; i < m; i++) u[i * r + c] = left[c * m + i] as number;
  }
}

/** The Gram matrix's approximate share of the work, for progress only. */
const GRAM_SHARE = 0.3;

/** `steps` as the part from `low` to `high` of something larger. */
function* part<T>(steps: Generator<number, T>, low: number, high: number): Generator<number, T> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    yield low + (high - low) * step.value;
  }
}

/** [r, m]: A v for each row v of `vectors` [r, n], made orthonormal, with the sign rule. */
function* imageOf(a: Float32Array, m: number, n: number, r: number, vectors: Float64Array, scale: number) {
  const left = new Float64Array(r * m);
  for (let c = 0; c < r; c++) {
    for (let i = 0; i < m; i++) {
      let s = 0;
      for (let j = 0; j < n; j++) s += (a[i * n + j] as number) * (vectors[c * n + j] as number);
      left[c * m + i] = s * scale;
    }
    yield 1;
  }
  let first = 0;
  for (let c = 0; c < r; c++) {
    let norm = 0;
    for (let i = 0; i < m; i++) norm += (left[c * m + i] as number) ** 2;
    if (c === 0) first = norm;
    // Below 1e-13·σ₁ the image is rounding alone: zero it, and `orthonormaliseSteps` completes the basis.
    if (norm <= first * 1e-26) left.fill(0, c * m, (c + 1) * m);
  }
  yield* part(orthonormaliseSteps(left, r, m), 1, 1);
  for (let c = 0; c < r; c++) fixSign(left, c * m, m);
  return left;
}

/** A power of two that brings the largest magnitude into [1, 2), or 0 for a matrix of zeros. */
function powerOfTwoScale(a: Float32Array): number {
  let big = 0;
  for (let i = 0; i < a.length; i++) {
    const x = Math.abs(a[i] as number);
    if (x > big) big = x;
  }
  return big === 0 ? 0 : 2 ** -Math.floor(Math.log2(big));
}
