import { ShapeError } from '../base/errors';
import { expectDims, expectLength } from '../kernels/shared/check';
import { symmetricEigen } from '../kernels/shared/eigen';

/**
 * Principal angles, in radians, smallest first, between the spans of a [n, p] and b [n, q], both with orthonormal
 * columns: min(p, q) of them. Cosines come from AᵀB and sines from B − AAᵀB, so small and large angles are both
 * accurate (Björck & Golub 1973). Throws `ShapeError`.
 */
export function principalAngles(
  a: Float32Array,
  p: number,
  b: Float32Array,
  q: number,
  n: number,
): Float64Array {
  expectDims('subspace', { p, q, n });
  if (Math.max(p, q) > n)
    throw new ShapeError(`subspace: ${Math.max(p, q)} columns cannot be orthonormal in ${n} dimensions`);
  expectLength('subspace', 'a', a.length, [n, p]);
  expectLength('subspace', 'b', b.length, [n, q]);
  if (q > p) return principalAngles(b, q, a, p, n);
  const w = new Float64Array(p * q);
  for (let i = 0; i < p; i++) {
    for (let j = 0; j < q; j++) {
      let s = 0;
      for (let k = 0; k < n; k++) s += (a[k * p + i] as number) * (b[k * q + j] as number);
      w[i * q + j] = s;
    }
  }
  const rest = new Float64Array(n * q);
  for (let k = 0; k < n; k++) {
    for (let j = 0; j < q; j++) {
      let s = b[k * q + j] as number;
      for (let i = 0; i < p; i++) s -= (a[k * p + i] as number) * (w[i * q + j] as number);
      rest[k * q + j] = s;
    }
  }
  const cosines = symmetricEigen(columnGram(w, p, q), q, 0).values;
  const sines = symmetricEigen(columnGram(rest, n, q), q, 0).values;
  return cosines.map((c, i) => Math.atan2(root(sines[q - 1 - i] as number), root(c)));
}

/** sin of the largest principal angle: 0 where one span holds the other, 1 where some direction is missed. */
export function largestSine(a: Float32Array, p: number, b: Float32Array, q: number, n: number): number {
  const angles = principalAngles(a, p, b, q, n);
  return Math.sin(angles[angles.length - 1] as number);
}

const root = (x: number) => Math.sqrt(Math.max(0, x));

function columnGram(x: Float64Array, rows: number, cols: number): Float64Array {
  const out = new Float64Array(cols * cols);
  for (let i = 0; i < cols; i++) {
    for (let j = 0; j <= i; j++) {
      let s = 0;
      for (let k = 0; k < rows; k++) s += (x[k * cols + i] as number) * (x[k * cols + j] as number);
      out[i * cols + j] = s;
    }
  }
  return out;
}
