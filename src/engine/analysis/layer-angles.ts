import { ShapeError } from '../base/errors';
import { Rng } from '../base/rng';
import { orthonormalise } from '../kernels/shared/eigen';
import { type SvdOptions, svd } from '../kernels/svd/svd';
import type { GatheredStates } from './gathered';
import { stacked } from './stacks';
import { principalAngles } from './subspace';

export interface AngleOptions extends SvdOptions {
  /** r: directions of each subspace, at most H and either one's rows. */
  readonly rank: number;
  /** 1 … L of both, ascending. */
  readonly layers: readonly number[];
  /** Takes each layer's mean row off first. */
  readonly centre: boolean;
  /** Of the random subspaces. */
  readonly seed: number;
}

/** [layers, r] each, radians, ascending; NaN past what the states span. */
export interface LayerAngles {
  readonly angles: Float32Array<ArrayBuffer>;
  readonly chance: Float32Array<ArrayBuffer>;
  readonly kernels: readonly string[];
}

/**
 * Principal angles between the leading r right singular vectors of each layer's matrix [ΣN, H] of two models with the
 * same H, and between the first one's and a random subspace of dimension r. Where states span fewer than r directions
 * only those are compared, and the rest is NaN: what completes a basis has nothing to do with the states. Rejects with
 * `ShapeError`, and as `svd`.
 */
export async function layerAngles(
  a: GatheredStates,
  b: GatheredStates,
  options: AngleOptions,
): Promise<LayerAngles> {
  const { rank: r, layers, centre, seed } = options;
  const { hidden } = a;
  if (b.hidden !== hidden)
    throw new ShapeError(`principal angles: hidden sizes ${hidden} and ${b.hidden}, expected one`);
  const kernels = new Set<string>();
  const angles = new Float32Array(layers.length * r).fill(Number.NaN);
  const chance = new Float32Array(layers.length * r).fill(Number.NaN);
  const stacks = [a, b].map((g) => stacked(g, { stack: 'layer', layers, centre }));
  let done = 0;
  const leading = async (which: number, p: number) => {
    const matrix = stacks[which]?.[p];
    if (!matrix) throw new ShapeError(`principal angles: no layer ${layers[p]}`);
    const rows = new Float32Array(matrix.rows * hidden);
    matrix.fill(rows);
    const result = await svd(
      transposed(rows, matrix.rows, hidden),
      { batch: 1, rows: hidden, cols: matrix.rows, r },
      { ...options, want: 'leading', onProgress: undefined },
    );
    kernels.add(result.kernel);
    options.onProgress?.(++done / (2 * layers.length));
    const q = Math.min(r, result.rank[0] as number);
    return { u: firstColumns(result.u, hidden, r, q), q };
  };
  for (const [p, layer] of layers.entries()) {
    const [x, y] = [await leading(0, p), await leading(1, p)];
    const random = randomBasis(hidden, r, new Rng(seed).fork(`subspace ${layer}`));
    if (x.q > 0 && y.q > 0) angles.set(principalAngles(x.u, x.q, y.u, y.q, hidden), p * r);
    if (x.q > 0) chance.set(principalAngles(x.u, x.q, random, r, hidden), p * r);
  }
  return { angles, chance, kernels: [...kernels] };
}

/** [n, r]: orthonormal columns that span a uniformly random subspace. */
function randomBasis(n: number, r: number, rng: Rng): Float32Array<ArrayBuffer> {
  const rows = Float64Array.from({ length: r * n }, () => rng.normal());
  orthonormalise(rows, r, n);
  return transposed(rows, r, n);
}

function firstColumns(u: Float32Array<ArrayBuffer>, n: number, r: number, q: number) {
  if (q === r) return u;
  const out = new Float32Array(n * q);
  for (let i = 0; i < n; i++) out.set(u.subarray(i * r, i * r + q), i * q);
  return out;
}

/** [cols, rows] */
function transposed(x: ArrayLike<number>, rows: number, cols: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(rows * cols);
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) out[c * rows + r] = x[r * cols + c] as number;
  return out;
}
