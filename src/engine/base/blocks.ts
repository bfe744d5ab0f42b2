/**
 * Weights in 8 bits by blocks: each row of a matrix is cut into blocks of 32 values, the last one shorter if need be, and
 * a block is its largest magnitude divided by 127, its scale (float32), and a signed 8-bit multiple of it for each value.
 * Symmetric, as the blocked form of ONNX's DequantizeLinear without zero points reads it.
 */

/** Values that share a scale. */
export const BLOCK = 32;
const MAX_INT8 = 127;

/** Scales of a row. */
export const blocksOf = (columns: number): number => Math.ceil(columns / BLOCK);

/** The nearest integer, the even one of two: what numpy's rint does. For magnitudes below 2^51. */
const TIES = 1.5 * 2 ** 52;
const nearest = (x: number): number => x + TIES - TIES;

/** Calls `each` with every block: its number, and its values [from, to). */
function forBlocks(
  length: number,
  columns: number,
  each: (block: number, from: number, to: number) => void,
): void {
  let block = 0;
  for (let row = 0; row < length; row += columns)
    for (let from = row; from < row + columns; from += BLOCK)
      each(block++, from, Math.min(from + BLOCK, row + columns));
}

/** Scales [rows, blocks] of a matrix [rows, columns]: 0 for a block of zeros. */
export function blockScales(values: Float32Array, columns: number): Float32Array<ArrayBuffer> {
  const scales = new Float32Array((values.length / columns) * blocksOf(columns));
  forBlocks(values.length, columns, (block, from, to) => {
    let largest = 0;
    for (let i = from; i < to; i++) {
      const magnitude = Math.abs(values[i] as number);
      if (magnitude > largest) largest = magnitude;
    }
    scales[block] = largest / MAX_INT8;
  });
  return scales;
}

/** The matrix [rows, columns] as multiples of its `blockScales`, -127 … 127, into `out`. */
export function quantiseBlocks(
  values: Float32Array,
  columns: number,
  scales: Float32Array,
  out: Int8Array,
): void {
  forBlocks(values.length, columns, (block, from, to) => {
    const scale = scales[block] as number;
    if (scale === 0) {
      out.fill(0, from, to);
      return;
    }
    for (let i = from; i < to; i++) {
      const multiple = nearest(Math.fround((values[i] as number) / scale));
      // Scales of the smallest magnitudes are rounded so coarsely that a quotient may be larger than 127.
      out[i] = Math.max(-MAX_INT8, Math.min(multiple, MAX_INT8));
    }
  });
}

/** The values that programs compute with: multiple · scale, in float32. */
export function dequantiseBlocks(
  multiples: Int8Array,
  columns: number,
  scales: Float32Array,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(multiples.length);
  forBlocks(out.length, columns, (block, from, to) => {
    const scale = scales[block] as number;
    for (let i = from; i < to; i++) out[i] = (multiples[i] as number) * scale;
  });
  return out;
}

/** The matrix as it is after being stored in 8 bits. */
export function throughBlocks(values: Float32Array, columns: number): Float32Array<ArrayBuffer> {
  const scales = blockScales(values, columns);
  const multiples = new Int8Array(values.length);
  quantiseBlocks(values, columns, scales, multiples);
  return dequantiseBlocks(multiples, columns, scales);
}
