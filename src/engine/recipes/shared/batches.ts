import type { HostTensor } from '../../base/dtype';
import { HIDDEN } from '../../base/tokens';

/** Inputs of a batch from its rows. */

/** f32 [B, width], or any other shape of as many numbers. */
export function floats<R>(
  rows: readonly R[],
  width: number,
  of: (row: R, column: number) => number,
  shape: readonly number[] = [rows.length, width],
): HostTensor {
  const data = new Float32Array(rows.length * width);
  rows.forEach((row, b) => {
    for (let j = 0; j < width; j++) data[b * width + j] = of(row, j);
  });
  return { dtype: 'f32', shape, data };
}

/** i32 [B, width]. */
export function integers<R>(
  rows: readonly R[],
  width: number,
  of: (row: R, column: number) => number,
): HostTensor {
  const { shape, data } = floats(rows, width, of);
  return { dtype: 'i32', shape, data: Int32Array.from(data as Float32Array) };
}

/** Additive mask [B, 1, 1, width]: 0 where a column may be seen. */
export const keyMask = <R>(
  rows: readonly R[],
  width: number,
  seen: (row: R, column: number) => boolean,
): HostTensor => floats(rows, width, (row, j) => (seen(row, j) ? 0 : HIDDEN), [rows.length, 1, 1, width]);

export const longest = <R>(rows: readonly R[], length: (row: R) => number): number =>
  rows.reduce((most, row) => Math.max(most, length(row)), 0);
