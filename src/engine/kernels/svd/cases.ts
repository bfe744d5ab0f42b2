/**
 * Test matrices, built to the bit as scripts/goldens/kernels/svd.py builds them: float64 +, −, ×, ÷ in the same order,
 * then one rounding to float32.
 */
export type CaseKind = 'white' | 'decay' | 'offset' | 'steep' | 'tiny';

export function caseMatrix(kind: CaseKind, m: number, n: number, seed: number): Float32Array<ArrayBuffer> {
  const x = new Float64Array(m * n);
  let s = seed;
  for (let i = 0; i < x.length; i++) {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    x[i] = s / 2 ** 32 - 0.5;
  }
  if (kind !== 'white') {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        const p = (i + 1) * (j + 1);
        // (i·i·j·j) is computed as in the script; both are exact integers here.
        x[i * n + j] = (x[i * n + j] as number) / (kind === 'steep' ? p * p : p);
      }
    }
    mix(x, m, n, n, 1);
    mix(x, n, m, 1, n);
  }
  if (kind === 'offset') for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) + 8;
  if (kind === 'tiny') for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) * 2 ** -100;
  return Float32Array.from(x);
}

/** Sums and differences of rows a power of two apart: hides the grading from the axes. */
function mix(x: Float64Array, count: number, width: number, strideRow: number, strideCol: number): void {
  for (let step = 1; step < count; step *= 2) {
    for (let i = 0; i < count - step; i++) {
      if (Math.floor(i / step) % 2 !== 0) continue;
      for (let j = 0; j < width; j++) {
        const at = i * strideRow + j * strideCol;
        const to = at + step * strideRow;
        const a = x[at] as number;
        const b = x[to] as number;
        x[at] = (a + b) * 0.75;
        x[to] = (a - b) * 0.75;
      }
    }
  }
}

/**
 * The gates against float64 on the same float32 data, see `svdErrors`. At σ = 1e-3·σ₁ the relative one requires 2e-9·σ₁, a
 * thirtieth of float32's resolution of σ₁. Thin matrices (pairs of float32) meet it everywhere. Float32 bidiagonalisation
 * meets it for the values that come with vectors (measured 3e-7, steep spectra 1.7e-6) and, if the spectrum decays over
 * enough entries, for all (160×128: 1.9e-6 in 12 matrices); the last values of square matrices with k = 33 … 48 miss it
 * (5e-6), and so do those of white square ones, whose spectrum does not decay (2e-5, that is 2e-8·σ₁).
 */
export const GATES = { relative: 2e-6, absolute: 1e-6, orthogonality: 2e-6, angle: 1 } as const;

/** The largest errors of a result against the float64 reference, as the gates need them. */
export interface SvdErrors {
  /** max |σ − σ*| / σ₁ over every value. */
  readonly absolute: number;
  /** max |σ − σ*| / σ* over values ≥ 1e-3·σ₁. */
  readonly relative: number;
  /** max |UᵀU − I|. */
  readonly orthogonality: number;
  /** Sine of the largest angle between the two spans, divided by what the gate allows at this gap. */
  readonly angle: number;
}

/** `sigma` [k], `u` [m, r] against `sigmaTrue` [k], `uTrue` [m, r]. Column by column up to r, the worst is kept. */
export function svdErrors(
  sigma: Float32Array,
  u: Float32Array,
  sigmaTrue: Float32Array,
  uTrue: Float32Array,
  m: number,
  r: number,
): SvdErrors {
  const first = sigmaTrue[0] as number;
  let absolute = 0;
  let relative = 0;
  for (let i = 0; i < sigmaTrue.length; i++) {
    const want = sigmaTrue[i] as number;
    const error = Math.abs((sigma[i] as number) - want);
    absolute = Math.max(absolute, error / first);
    if (want >= 1e-3 * first) relative = Math.max(relative, error / want);
  }
  let orthogonality = 0;
  for (let i = 0; i < r; i++) {
    for (let j = 0; j <= i; j++) {
      let s = 0;
      for (let q = 0; q < m; q++) s += (u[q * r + i] as number) * (u[q * r + j] as number);
      orthogonality = Math.max(orthogonality, Math.abs(s - (i === j ? 1 : 0)));
    }
  }
  const below = r < sigmaTrue.length ? (sigmaTrue[r] as number) : 0;
  const gap = (sigmaTrue[r - 1] as number) - below;
  const allowed = 2e-6 + (2e-8 * first) / Math.max(gap, 1e-30);
  return { absolute, relative, orthogonality, angle: outside(u, uTrue, m, r) / allowed };
}

/** ‖(I − U*U*ᵀ) U‖_F ≥ sin θ of the largest angle between the spans of u and uTrue, both [m, r]. */
function outside(u: Float32Array, uTrue: Float32Array, m: number, r: number): number {
  let sum = 0;
  for (let c = 0; c < r; c++) {
    const x = new Float64Array(m);
    for (let q = 0; q < m; q++) x[q] = u[q * r + c] as number;
    for (let t = 0; t < r; t++) {
      let s = 0;
      for (let q = 0; q < m; q++) s += (uTrue[q * r + t] as number) * (x[q] as number);
      for (let q = 0; q < m; q++) x[q] = (x[q] as number) - s * (uTrue[q * r + t] as number);
    }
    for (let q = 0; q < m; q++) sum += (x[q] as number) ** 2;
  }
  return Math.sqrt(sum);
}
