import { momentsReference } from './reference.testing';
import { randomF32 } from './testing';

/**
 * The limits of the range that kernels and twins support within 1e-5 of float64: M and K from 1 to 2000, R = r_L·r_H up to
 * 512, L up to 36, H up to 2048. One dimension is at its limit at a time: the software adapter is slow, and errors grow
 * with the length of a sum, not with the number of sums.
 */

export const PROJECTION_RANGE = [
  { batch: 1, rows: 2000, layers: 1, hidden: 5, rankL: 1, rankH: 3 },
  { batch: 2, rows: 2, layers: 36, hidden: 6, rankL: 36, rankH: 3 },
  { batch: 1, rows: 2, layers: 2, hidden: 2048, rankL: 2, rankH: 3 },
  { batch: 1, rows: 2, layers: 1, hidden: 513, rankL: 1, rankH: 512 },
  { batch: 2, rows: 1, layers: 5, hidden: 130, rankL: 4, rankH: 128, perSample: true },
  { batch: 1, rows: 1, layers: 36, hidden: 17, rankL: 32, rankH: 16 },
] as const;

/**
 * `offset` moves the rows off centre, like hidden states; with `scale` 0 every entry is the offset, so that all additions
 * in a sum round the same way.
 */
export const MOMENTS_RANGE = [
  { batch: 1, rows: 2000, rank: 9, offset: 0, scale: 1 },
  { batch: 1, rows: 2000, rank: 3, offset: 0.1, scale: 0 },
  { batch: 2, rows: 1999, rank: 5, offset: 3, scale: 1 },
  { batch: 1, rows: 1, rank: 512, offset: 0, scale: 1 },
  { batch: 1, rows: 3, rank: 512, offset: 3, scale: 1 },
] as const;

/** Rows of a case of `MOMENTS_RANGE`, [B, M, R]. */
export const momentsInput = ({ batch, rows, rank, offset, scale }: (typeof MOMENTS_RANGE)[number]) =>
  randomF32(batch * rows * rank, 11).map((x) => scale * x + offset);

/** `level`: every entry is 0.1 and the teacher's 0.07, so that all additions of a sum round to one side. `apart`: how far the teacher's moments are from the student's, relative to them; `null` for unrelated ones. */
export const MOMENT_LOSS_RANGE = [
  { batch: 1, steps: 2000, rank: 9, apart: null },
  { batch: 1, steps: 2000, rank: 3, apart: null, level: true },
  { batch: 1, steps: 2, rank: 512, apart: null, level: true },
  { batch: 2, steps: 1999, rank: 5, apart: 0.3 },
  { batch: 1, steps: 1, rank: 512, apart: null },
  { batch: 1, steps: 3, rank: 512, apart: 0.3 },
] as const;

/** Rows g [B, K, R], a teacher's moments (C_T symmetric) and weights, for a case of `MOMENT_LOSS_RANGE`. */
export function momentLossInputs(shape: (typeof MOMENT_LOSS_RANGE)[number]) {
  const { batch, steps, rank, apart } = shape;
  const level = 'level' in shape;
  const g = randomF32(batch * steps * rank, 1, 0.4);
  if (level) g.fill(0.1);
  // The teacher's rows: others, or the student's moved by a share of their size.
  const other = randomF32(g.length, 2, 0.4);
  if (level) other.fill(0.07);
  const rows = apart === null ? other : g.map((x, i) => x + apart * (other[i] as number));
  const { mu, c } = momentsReference(rows, { batch, rows: steps, rank });
  return [g, Float32Array.from(mu), Float32Array.from(c), shape, { mu: 0.3, c: 2 }] as const;
}

export const ANCHOR_LOSS_RANGE = [
  { batch: 2, layers: 36, hidden: 5, rank: 4 },
  { batch: 1, layers: 2, hidden: 2048, rank: 7 },
  { batch: 1, layers: 1, hidden: 514, rank: 512 },
  { batch: 130, layers: 1, hidden: 3, rank: 2 },
] as const;
