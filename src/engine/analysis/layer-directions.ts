import type { Rng } from '../base/rng';
import { orthonormaliseSteps } from '../kernels/shared/eigen';
import { type SvdOptions, svd } from '../kernels/svd/svd';
import type { Pace } from './pace';
import { transposed } from './rows';
import type { StackedMatrix } from './stacks';

/** Leading directions of the rows of a matrix [·, H]. */
export interface RowDirections {
  /** [H, r]: right singular vectors as columns, orthonormal to float32. */
  readonly u: Float32Array<ArrayBuffer>;
  /** How many of them the rows span, to float32; the others merely complete the basis. */
  readonly rank: number;
  /** The kernel that decomposed it. */
  readonly kernel: string;
}

/** The r leading directions, 1 ≤ r ≤ H and the number of rows. Rejects like `svd`. */
export async function rowDirections(
  matrix: StackedMatrix,
  hidden: number,
  r: number,
  options: Omit<SvdOptions, 'want' | 'onProgress'> = {},
): Promise<RowDirections> {
  const { rows } = matrix;
  const data = new Float32Array(rows * hidden);
  matrix.fill(data);
  // The kernels compute left vectors: here those of the transpose, [H, rows].
  const columns = transposed(data, rows, hidden, new Float32Array(data.length));
  const shape = { batch: 1, rows: hidden, cols: rows, r };
  const { u, rank, kernel } = await svd(columns, shape, {
    ...options,
    want: 'leading',
    onProgress: undefined,
  });
  return { u, rank: Math.min(r, rank[0] as number), kernel };
}

/** [r, H]: orthonormal rows, r ≤ H, that span a uniformly random subspace. Rejects with `CancelledError`. */
export async function randomRows(
  r: number,
  hidden: number,
  rng: Rng,
  pace: Pace,
): Promise<Float64Array<ArrayBuffer>> {
  const rows = Float64Array.from({ length: r * hidden }, () => rng.normal());
  await pace.run(orthonormaliseSteps(rows, r, hidden));
  return rows;
}
