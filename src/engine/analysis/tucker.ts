import { ShapeError } from '../base/errors';
import { showShape, sizeOf } from '../base/shape';
import { expectFinite, expectLength } from '../kernels/shared/check';
import { symmetricEigenSteps } from '../kernels/shared/eigen';
import { gramSteps } from '../kernels/shared/gram';

/** Sizes of a 3-way tensor, [N, L, H] or [B, L, H], row-major. */
export type Shape3 = readonly [number, number, number];
export type Mode = 0 | 1 | 2;

/** Leading left vectors of one unfolding. */
export interface ModeVectors {
  /** [n]: singular values of the unfolding, largest first, zero-padded if the unfolding has fewer columns. */
  readonly sigma: Float64Array;
  /** [n, r]: orthonormal columns, entry of largest magnitude positive; past the rank they complete the basis. */
  readonly u: Float32Array<ArrayBuffer>;
}

/** X ≈ core ×₁ U₀ ×₂ U₁ ×₃ U₂. */
export interface Tucker {
  /** U_n is [n, r_n], orthonormal columns. */
  readonly factors: readonly [
    Float32Array<ArrayBuffer>,
    Float32Array<ArrayBuffer>,
    Float32Array<ArrayBuffer>,
  ];
  /** [r₀, r₁, r₂]. */
  readonly core: Float32Array<ArrayBuffer>;
  /** Singular values of each unfolding of X itself. */
  readonly sigma: readonly [Float64Array, Float64Array, Float64Array];
  /** ‖X − X̂‖ / ‖X‖; 0 for zeros. Below 1e-3 it is rounding: the factors are float32, orthonormal to 1e-7. */
  readonly error: number;
  /** Number of HOOI iterations; 0 is HOSVD. */
  readonly iterations: number;
}

export interface HooiOptions {
  /** Default 25. */
  readonly maxIterations?: number;
  /** Stops once an iteration lowers the relative error by less. Default 1e-7. */
  readonly tolerance?: number;
}

/**
 * Adds X₍ₙ₎X₍ₙ₎ᵀ to `out` (n × n, lower triangle), so that unfoldings of many tensors can be stacked. Yields between pieces
 * of a few milliseconds.
 */
export function* addModeGram(
  out: Float64Array,
  x: Float32Array,
  shape: Shape3,
  mode: Mode,
): Generator<number, void> {
  expectLength('tucker', 'x', x.length, shape);
  const { outer, n, inner } = around(shape, mode);
  expectLength('tucker', 'gram', out.length, [n, n]);
  if (inner === 1) yield* gramSteps(out, x, 0, n, outer, 1, n);
  else for (let o = 0; o < outer; o++) yield* gramSteps(out, x, o * n * inner, n, inner, inner, 1);
}

/** Vectors of a Gram matrix n × n (reads the lower triangle, overwrites it). Yields like `addModeGram`. Throws `ShapeError` if r > n. */
export function* modeVectors(gram: Float64Array, n: number, r: number): Generator<number, ModeVectors> {
  if (!Number.isInteger(r) || r < 1 || r > n) {
    throw new ShapeError(`tucker: rank ${r} requested of a mode of size ${n}, expected 1 … ${n}`);
  }
  const { values, vectors } = yield* symmetricEigenSteps(gram, n, r);
  const u = new Float32Array(n * r);
  for (let c = 0; c < r; c++) for (let i = 0; i < n; i++) u[i * r + c] = vectors[c * n + i] as number;
  return { sigma: values.map((v) => Math.sqrt(Math.max(0, v))), u };
}

/** X ×ₙ Uᵀ for U [n, r]: size n of the mode becomes r. */
export function project(x: Float32Array, shape: Shape3, mode: Mode, u: Float32Array, r: number) {
  const { outer, n, inner } = around(shape, mode);
  expectLength('tucker', 'x', x.length, shape);
  expectLength('tucker', 'u', u.length, [n, r]);
  const data = new Float32Array(outer * r * inner);
  const sum = new Float64Array(inner);
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < r; c++) {
      sum.fill(0);
      for (let q = 0; q < n; q++) {
        const w = u[q * r + c] as number;
        const from = (o * n + q) * inner;
        for (let i = 0; i < inner; i++) sum[i] = (sum[i] as number) + w * (x[from + i] as number);
      }
      data.set(sum, (o * r + c) * inner);
    }
  }
  return { data, shape: shape.map((size, m) => (m === mode ? r : size)) as unknown as Shape3 };
}

/** Truncated higher-order SVD (De Lathauwer et al. 2000). Yields between pieces of work. Throws `ShapeError`, `NumericError`. */
export function* hosvd(x: Float32Array, shape: Shape3, ranks: Shape3): Generator<number, Tucker> {
  check(x, shape, ranks);
  const a = yield* vectorsOf(x, shape, 0, ranks[0]);
  const b = yield* vectorsOf(x, shape, 1, ranks[1]);
  const c = yield* vectorsOf(x, shape, 2, ranks[2]);
  const factors = [a.u, b.u, c.u] as const;
  const core = coreOf(x, shape, ranks, factors);
  return { factors, core, sigma: [a.sigma, b.sigma, c.sigma], error: relativeError(x, core), iterations: 0 };
}

/** Higher-order orthogonal iteration from HOSVD: lowers the error, never raises it. Yields and throws like `hosvd`. */
export function* hooi(
  x: Float32Array,
  shape: Shape3,
  ranks: Shape3,
  options: HooiOptions = {},
): Generator<number, Tucker> {
  const { maxIterations = 25, tolerance = 1e-7 } = options;
  let best = yield* hosvd(x, shape, ranks);
  for (let iteration = 1; iteration <= maxIterations; iteration++) {
    const factors: [Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>] = [
      ...best.factors,
    ];
    for (const mode of [0, 1, 2] as const) {
      let part: { data: Float32Array; shape: Shape3 } = { data: x, shape };
      for (const other of [0, 1, 2] as const) {
        if (other !== mode) part = project(part.data, part.shape, other, factors[other], ranks[other]);
      }
      factors[mode] = (yield* vectorsOf(part.data, part.shape, mode, ranks[mode])).u;
      yield iteration / maxIterations;
    }
    const core = coreOf(x, shape, ranks, factors);
    const error = relativeError(x, core);
    const gained = best.error - error;
    if (gained > 0) best = { ...best, factors, core, error, iterations: iteration };
    if (gained < tolerance) break;
  }
  return best;
}

function around(shape: Shape3, mode: Mode) {
  const outer = sizeOf(shape.slice(0, mode));
  return { outer, n: shape[mode], inner: sizeOf(shape.slice(mode + 1)) };
}

/** One mode's vectors, which HOSVD finds without the other modes. Yields like `hosvd`. Throws `ShapeError`. */
export function* vectorsOf(
  x: Float32Array,
  shape: Shape3,
  mode: Mode,
  r: number,
): Generator<number, ModeVectors> {
  const n = shape[mode];
  const gram = new Float64Array(n * n);
  yield* addModeGram(gram, x, shape, mode);
  return yield* modeVectors(gram, n, r);
}

function coreOf(
  x: Float32Array,
  shape: Shape3,
  ranks: Shape3,
  factors: Tucker['factors'],
): Float32Array<ArrayBuffer> {
  // The hidden mode first, because it shrinks the tensor most.
  const h = project(x, shape, 2, factors[2], ranks[2]);
  const l = project(h.data, h.shape, 1, factors[1], ranks[1]);
  return project(l.data, l.shape, 0, factors[0], ranks[0]).data;
}

/** Orthonormal factors: ‖X − X̂‖² = ‖X‖² − ‖core‖². */
function relativeError(x: Float32Array, core: Float32Array): number {
  const whole = squares(x);
  return whole === 0 ? 0 : Math.sqrt(Math.max(0, 1 - squares(core) / whole));
}

function squares(x: Float32Array): number {
  let s = 0;
  for (let i = 0; i < x.length; i++) s += (x[i] as number) ** 2;
  return s;
}

function check(x: Float32Array, shape: Shape3, ranks: Shape3): void {
  expectLength('tucker', 'x', x.length, shape);
  expectFinite('tucker', 'x', x);
  for (const mode of [0, 1, 2] as const) {
    const r = ranks[mode];
    if (!Number.isInteger(r) || r < 1 || r > shape[mode]) {
      throw new ShapeError(
        `tucker: ranks ${showShape(ranks)} do not fit a tensor ${showShape(shape)}: rank ${r} of mode ${mode} must be 1 … ${shape[mode]}`,
      );
    }
  }
}
