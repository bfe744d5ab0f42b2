import { NumericError } from '../../base/errors';
import { Rng } from '../../base/rng';
import { tridiagonalise } from './tridiagonal';

/**
 * Eigendecomposition of a symmetric float64 matrix: all values, and the vectors of the r largest. Householder
 * tridiagonalisation, implicit QL for the values, inverse iteration with reorthogonalisation for the vectors, back
 * transformation. Each vector costs O(n²), so a few are cheap.
 */
export interface Eigen {
  /** [n], largest first. */
  readonly values: Float64Array;
  /** [r, n]: row i is the unit vector of values[i]; its largest-magnitude entry (the first of equals) is positive. */
  readonly vectors: Float64Array;
}

/**
 * `a` is n × n row-major; only the lower triangle is read, and it is overwritten. In pieces of a few milliseconds, so that its
 * caller can yield to others; yields the share done.
 */
export function* symmetricEigenSteps(a: Float64Array, n: number, r: number): Generator<number, Eigen> {
  const { d, e, h } = yield* tridiagonalise(a, n);
  const values = yield* tridiagonalValues(d, e, n);
  const vectors = yield* tridiagonalVectors(d, e, n, values, r);
  for (let v = 0; v < r; v++) {
    backTransform(a, h, n, vectors, v);
    yield 0.9;
  }
  yield* orthonormaliseSteps(vectors, r, n);
  for (let i = 0; i < r; i++) fixSign(vectors, i * n, n);
  return { values, vectors };
}

/** The result of a computation in pieces, run without yielding. */
export function finished<T>(steps: Generator<number, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Eigenvalues of the tridiagonal (d, e), largest first: implicit QL with Wilkinson shifts. */
function* tridiagonalValues(
  diagonal: Float64Array,
  coupling: Float64Array,
  n: number,
): Generator<number, Float64Array> {
  const d = diagonal.slice();
  const e = new Float64Array(n);
  let norm = 0;
  for (let i = 0; i < n; i++) {
    if (i + 1 < n) e[i] = coupling[i + 1] as number;
    norm = Math.max(
      norm,
      Math.abs(d[i] as number) + Math.abs(coupling[i] as number) + Math.abs(e[i] as number),
    );
  }
  // Couplings below this change no value by more than the reduction's own rounding.
  const floor = norm * 2 ** -56;
  for (let l = 0; l < n; l++) {
    if (l % 64 === 63) yield 0.8;
    for (let turn = 0; ; turn++) {
      let m = l;
      for (; m < n - 1; m++) {
        const size = Math.abs(d[m] as number) + Math.abs(d[m + 1] as number);
        const c = Math.abs(e[m] as number);
        if (c <= floor || c <= Number.EPSILON * size) break;
      }
      if (m === l) break;
      if (turn === 60)
        throw new NumericError(
          `svd: value ${l} of ${n} did not converge in 60 steps`,
          'Use other samples or another model, and please report this with the details below.',
        );
      const el = e[l] as number;
      let g = ((d[l + 1] as number) - (d[l] as number)) / (2 * el);
      let r = Math.hypot(g, 1);
      g = (d[m] as number) - (d[l] as number) + el / (g + (g >= 0 ? r : -r));
      let s = 1;
      let c = 1;
      let shift = 0;
      let i = m - 1;
      for (; i >= l; i--) {
        const f = s * (e[i] as number);
        const b = c * (e[i] as number);
        r = Math.sqrt(f * f + g * g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] = (d[i + 1] as number) - shift;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = (d[i + 1] as number) - shift;
        r = ((d[i] as number) - g) * s + 2 * c * b;
        shift = s * r;
        d[i + 1] = g + shift;
        g = c * r - b;
      }
      if (r === 0 && i >= l) continue;
      d[l] = (d[l] as number) - shift;
      e[l] = g;
      e[m] = 0;
    }
  }
  return d.sort().reverse();
}

/**
 * Vectors of values closer than this, relative to the largest, are orthogonalised against each other while they are found;
 * others are orthogonal to 2⁻⁵² divided by their distance anyway, and `orthonormaliseSteps` does the rest.
 */
const CLOSE = 1e-7;

/** Vectors [r, n] of the first r values, by inverse iteration; each is kept orthogonal to those of nearby values. */
function* tridiagonalVectors(d: Float64Array, e: Float64Array, n: number, values: Float64Array, r: number) {
  const z = new Float64Array(r * n);
  const rng = new Rng(0x51ed);
  let norm = 0;
  for (let i = 0; i < n; i++) norm = Math.max(norm, Math.abs(d[i] as number) + Math.abs(e[i] as number));
  const tiny = norm === 0 ? 1 : norm * Number.EPSILON;
  const main = new Float64Array(n);
  const up1 = new Float64Array(n);
  const up2 = new Float64Array(n);
  const mult = new Float64Array(n);
  const swap = new Uint8Array(n);
  let first = 0; // first of the cluster that v is in
  for (let v = 0; v < r; v++) {
    const lambda = values[v] as number;
    if (v > 0 && (values[v - 1] as number) - lambda > CLOSE * norm) first = v;
    // LU of T − λI with row interchanges.
    let diag = (d[0] as number) - lambda;
    let next = n > 1 ? (e[1] as number) : 0;
    for (let i = 0; i < n - 1; i++) {
      const low = e[i + 1] as number;
      const diagBelow = (d[i + 1] as number) - lambda;
      const nextBelow = i + 2 < n ? (e[i + 2] as number) : 0;
      if (Math.abs(diag) >= Math.abs(low)) {
        if (diag === 0) diag = tiny;
        const f = low / diag;
        swap[i] = 0;
        mult[i] = f;
        main[i] = diag;
        up1[i] = next;
        up2[i] = 0;
        diag = diagBelow - f * next;
        next = nextBelow;
      } else {
        const f = diag / low;
        swap[i] = 1;
        mult[i] = f;
        main[i] = low;
        up1[i] = diagBelow;
        up2[i] = nextBelow;
        diag = next - f * diagBelow;
        next = -f * nextBelow;
      }
    }
    main[n - 1] = diag;
    const x = z.subarray(v * n, v * n + n);
    for (let i = 0; i < n; i++) x[i] = rng.uniform() - 0.5;
    normalise(x, 0, n);
    for (let turn = 0; turn < 3; turn++) {
      for (let i = 0; i < n - 1; i++) {
        if (swap[i]) {
          const t = x[i] as number;
          x[i] = x[i + 1] as number;
          x[i + 1] = t - (mult[i] as number) * (x[i + 1] as number);
        } else {
          x[i + 1] = (x[i + 1] as number) - (mult[i] as number) * (x[i] as number);
        }
      }
      for (let i = n - 1; i >= 0; i--) {
        let t = x[i] as number;
        if (i + 1 < n) t -= (up1[i] as number) * (x[i + 1] as number);
        if (i + 2 < n) t -= (up2[i] as number) * (x[i + 2] as number);
        const pivot = main[i] as number;
        x[i] = t / (Math.abs(pivot) < tiny ? (pivot < 0 ? -tiny : tiny) : pivot);
      }
      rescale(x);
      normalise(x, 0, n);
      if (first < v) {
        project(z, v, n, first);
        project(z, v, n, first);
      }
    }
    yield 0.85;
  }
  return z;
}

/** Guards the norm against overflow: divides by the largest magnitude. */
function rescale(x: Float64Array): void {
  let big = 0;
  for (let i = 0; i < x.length; i++) big = Math.max(big, Math.abs(x[i] as number));
  if (big > 0) for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) / big;
}

/** z ← Q z for row v of z: the reflections of `tridiagonalise`, shortest first. */
function backTransform(a: Float64Array, h: Float64Array, n: number, z: Float64Array, v: number): void {
  const base = v * n;
  for (let i = 1; i < n; i++) {
    const hi = h[i] as number;
    if (hi === 0) continue;
    const row = i * n;
    let s = 0;
    for (let j = 0; j < i; j++) s += (a[row + j] as number) * (z[base + j] as number);
    s /= hi;
    for (let j = 0; j < i; j++) z[base + j] = (z[base + j] as number) - s * (a[row + j] as number);
  }
}

/** Makes row v of z orthogonal to rows first … v − 1, and a unit vector. Returns its norm before scaling. */
function project(z: Float64Array, v: number, n: number, first = 0): number {
  const x = v * n;
  for (let w = first; w < v; w++) {
    const y = w * n;
    let s = 0;
    for (let j = 0; j < n; j++) s += (z[x + j] as number) * (z[y + j] as number);
    for (let j = 0; j < n; j++) z[x + j] = (z[x + j] as number) - s * (z[y + j] as number);
  }
  return normalise(z, x, n);
}

function normalise(z: Float64Array, offset: number, n: number): number {
  let s = 0;
  for (let j = 0; j < n; j++) s += (z[offset + j] as number) ** 2;
  const norm = Math.sqrt(s);
  if (norm > 0) for (let j = 0; j < n; j++) z[offset + j] = (z[offset + j] as number) / norm;
  return norm;
}

/**
 * Gram–Schmidt, twice, over the rows of z [r, n], in place, r ≤ n. A row that depends on those before it (or is
 * zero) is replaced by a pseudo-random direction orthogonal to them, so the basis is always complete.
 * Yields row by row.
 */
export function* orthonormaliseSteps(z: Float64Array, r: number, n: number): Generator<number, void> {
  const rng = new Rng(0x0b5e);
  for (let v = 0; v < r; v++) {
    let left = normalise(z, v * n, n) === 0 ? 0 : project(z, v, n);
    while (left < 1e-6) {
      for (let j = 0; j < n; j++) z[v * n + j] = rng.uniform() - 0.5;
      normalise(z, v * n, n);
      left = project(z, v, n);
    }
    project(z, v, n);
    yield 0.95;
  }
}

/** Flips the vector so that its entry of largest magnitude (the first of equals) is positive. */
export function fixSign(z: Float64Array, offset: number, n: number): void {
  let at = 0;
  let big = -1;
  for (let j = 0; j < n; j++) {
    const m = Math.abs(z[offset + j] as number);
    if (m > big) {
      big = m;
      at = j;
    }
  }
  if ((z[offset + at] as number) < 0) {
    for (let j = 0; j < n; j++) z[offset + j] = -(z[offset + j] as number);
  }
}
