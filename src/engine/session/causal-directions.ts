import type { GatheredStates } from '../analysis/gathered';
import type { Rng } from '../base/rng';
import type { Device } from '../device/device';
import { orthonormalise } from '../kernels/shared/eigen';
import { svd } from '../kernels/svd/svd';

/** Orthonormal directions of one layer's states, and the point they are taken around. */
export interface Directions {
  /** [r, H], one direction a row, in float64. */
  readonly rows: Float64Array<ArrayBuffer>;
  /** c, [H] */
  readonly centre: Float64Array<ArrayBuffer>;
  /** H */
  readonly hidden: number;
}

/**
 * The first r right singular vectors of all samples' states of layer ℓ, one position a row, minus their mean where
 * `centred`. Orthonormal to float64, so that what they span is projected onto, and nothing else.
 * @param layer 1…L  @param r at most the number of positions, and H
 */
export async function leadingDirections(
  { samples, layers: L, hidden: H }: GatheredStates,
  layer: number,
  r: number,
  centred: boolean,
  options: { readonly device?: Device; readonly signal?: AbortSignal } = {},
): Promise<Directions> {
  const M = samples.reduce((n, { tokens }) => n + tokens, 0);
  const centre = new Float64Array(H);
  const rows = samples.flatMap(({ states, tokens }) =>
    Array.from({ length: tokens }, (_, n) => {
      const from = (n * L + layer - 1) * H;
      return states.subarray(from, from + H);
    }),
  );
  if (centred) for (const row of rows) for (let j = 0; j < H; j++) centre[j] = at(centre, j) + at(row, j) / M;
  // The kernel gives left vectors: of the transpose, [H, M].
  const columns = new Float32Array(H * M);
  for (const [m, row] of rows.entries())
    for (let j = 0; j < H; j++) columns[j * M + m] = at(row, j) - at(centre, j);
  const { u } = await svd(columns, { batch: 1, rows: H, cols: M, r }, options);
  const directions = new Float64Array(r * H);
  for (let k = 0; k < r; k++) for (let j = 0; j < H; j++) directions[k * H + j] = at(u, j * r + k);
  orthonormalise(directions, r, H);
  return { rows: directions, centre, hidden: H };
}

/** As many orthonormal directions without any meaning, around the same point. */
export function randomDirections({ centre, hidden: H }: Directions, r: number, rng: Rng): Directions {
  const rows = Float64Array.from({ length: r * H }, () => rng.normal());
  orthonormalise(rows, r, H);
  return { rows, centre, hidden: H };
}

/** h → c + V_r V_rᵀ(h − c) as h·P + s, in float32. */
export interface Projection {
  /** V_r V_rᵀ, [H, H] */
  readonly matrix: Float32Array<ArrayBuffer>;
  /** c − c·P, [H] */
  readonly shift: Float32Array<ArrayBuffer>;
}

/**
 * The projection onto the first r directions, summed in float64. H orthonormal directions span everything: that one is
 * the identity to the last bit, so that with it a model answers as it would alone.
 * @param r at most the number of directions, or H
 */
export function projectionOf({ rows, centre, hidden: H }: Directions, r: number): Projection {
  const full = r === H;
  const sum = new Float64Array(H * H);
  if (full) for (let i = 0; i < H; i++) sum[i * H + i] = 1;
  else
    for (let k = 0; k < r; k++)
      for (let i = 0; i < H; i++) {
        const v = at(rows, k * H + i);
        for (let j = 0; j < H; j++) sum[i * H + j] = at(sum, i * H + j) + v * at(rows, k * H + j);
      }
  const shift = new Float32Array(H);
  for (let j = 0; j < H; j++) {
    let kept = 0;
    for (let i = 0; i < H; i++) kept += at(centre, i) * at(sum, i * H + j);
    shift[j] = at(centre, j) - kept;
  }
  return { matrix: Float32Array.from(sum), shift };
}

const at = (x: Float32Array | Float64Array, i: number): number => x[i] as number;
