import { ShapeError } from '../base/errors';
import { expectDims, expectLength } from '../kernels/shared/check';
import { symmetricEigenSteps } from '../kernels/shared/eigen';

/**
 * Principal angles, in radians, smallest first, between the spans of a [n, p] and b [n, q], both with orthonormal
 * columns: min(p, q) of them. Cosines come from AᵀB and sines from B − AAᵀB, so small and large angles are both
 * accurate (Björck & Golub 1973). In pieces of a few milliseconds, so that its caller can yield to others; yields the share
 * done. Throws `ShapeError`.
 */
export function* principalAngleSteps(
  a: Float32Array,
  p: number,
  b: Float32Array,
  q: number,
  n: number,
): Generator<number, Float64Array> {
  expectDims('subspace', { p, q, n });
  if (Math.max(p, q) > n)
    throw new ShapeError(`subspace: ${Math.max(p, q)} columns cannot be orthonormal in ${n} dimensions`);
  expectLength('subspace', 'a', a.length, [n, p]);
  expectLength('subspace', 'b', b.length, [n, q]);
  if (q > p) return yield* principalAngleSteps(b, q, a, p, n);
  const w = new Float64Array(p * q);
  for (let i = 0; i < p; i++) {
    for (let j = 0; j < q; j++) {
      let s = 0;
      for (let k = 0; k < n; k++) s += (a[k * p + i] as number) * (b[k * q + j] as number);
      w[i * q + j] = s;
    }
    yield (0.3 * i) / p;
  }
  const rest = new Float64Array(n * q);
  for (let k = 0; k < n; k++) {
    for (let j = 0; j < q; j++) {
      let s = b[k * q + j] as number;
      for (let i = 0; i < p; i++) s -= (a[k * p + i] as number) * (w[i * q + j] as number);
      rest[k * q + j] = s;
    }
    yield 0.3 + (0.3 * k) / n;
  }
  const cosines = yield* squaredSizes(w, p, q);
  const sines = yield* squaredSizes(rest, n, q);
  return cosines.map((c, i) => Math.atan2(root(sines[q - 1 - i] as number), root(c)));
}

const root = (x: number) => Math.sqrt(Math.max(0, x));

/** The squared singular values of x [rows, cols], largest first. */
function* squaredSizes(x: Float64Array, rows: number, cols: number): Generator<number, Float64Array> {
  const gram = new Float64Array(cols * cols);
  for (let i = 0; i < cols; i++) {
    for (let j = 0; j <= i; j++) {
      let s = 0;
      for (let k = 0; k < rows; k++) s += (x[k * cols + i] as number) * (x[k * cols + j] as number);
      gram[i * cols + j] = s;
    }
    yield 0.8;
  }
  return (yield* symmetricEigenSteps(gram, cols, 0)).values;
}
