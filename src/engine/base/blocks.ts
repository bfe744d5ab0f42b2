/**
 * Weights in few bits by blocks: each row of a matrix is cut into blocks of 32 values, the last one shorter if need be, and a
 * block is a scale (float32) and a signed multiple of it for each value. Symmetric about zero, as the blocked form of ONNX's
 * DequantizeLinear without zero points reads it.
 *
 * - 8 bits: -127 … 127, the largest magnitude being 127 of its scale.
 * - 4 bits: -8 … 7, the value of largest magnitude being -8 of its scale, which has the other sign: all 16 multiples are used
 *   then. On the other side values beyond 7 become 7.
 * - 16 bits: -32512 … 32512, as a byte's multiple of 256 and a signed byte (`planes`), where no 16-bit float can be had. Scales are
 *   powers of two, so that what a checkpoint has in 16 bits is kept as it is: a bfloat16 of at least 1/128 of its block's largest
 *   magnitude, a float16 of at least 1/16. Others are off by 1/32512 of that at most.
 */

/** Values that share a scale. */
export const BLOCK = 32;
export type BlockBits = 4 | 8 | 16;
/** By how much the extreme value of a block is divided for its scale, and the smallest and the largest multiple. */
const LEVELS = {
  4: { divisor: -8, least: -8, most: 7 },
  8: { divisor: 127, least: -127, most: 127 },
  16: { divisor: 32512, least: -32512, most: 32512 },
} as const;
/** What the upper byte of 16 bits counts. */
export const HIGH = 256;

/** Scales of a row. */
export const blocksOf = (columns: number): number => Math.ceil(columns / BLOCK);

/** Bytes of a matrix's multiples. */
export const multipleBytes = (length: number, bits: BlockBits): number => Math.ceil((length * bits) / 8);

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

/** The least power of two that is not below, and that float32 has; 0 of 0. */
const powerFrom = (x: number): number => x && 2 ** Math.max(Math.ceil(Math.log2(x)), -149);

/** Scales [rows, blocks] of a matrix [rows, columns]: 0 for a block of zeros. */
export function blockScales(
  values: Float32Array,
  columns: number,
  bits: BlockBits,
): Float32Array<ArrayBuffer> {
  const { divisor } = LEVELS[bits];
  const scales = new Float32Array((values.length / columns) * blocksOf(columns));
  forBlocks(values.length, columns, (block, from, to) => {
    let [largest, extreme] = [0, 0];
    for (let i = from; i < to; i++) {
      const magnitude = Math.abs(values[i] as number);
      if (magnitude > largest) [largest, extreme] = [magnitude, values[i] as number];
    }
    // Never -0, which a negative divisor would give.
    const scale = (divisor < 0 ? extreme : largest) / divisor || 0;
    scales[block] = bits === 16 ? powerFrom(scale) : scale;
  });
  return scales;
}

/** The matrix [rows, columns] as multiples of its `blockScales`, into `out`, one element each. */
export function quantiseBlocks(
  values: Float32Array,
  columns: number,
  bits: BlockBits,
  scales: Float32Array,
  out: Int8Array | Int16Array,
): void {
  const { least, most } = LEVELS[bits];
  forBlocks(values.length, columns, (block, from, to) => {
    const scale = scales[block] as number;
    if (scale === 0) {
      out.fill(0, from, to);
      return;
    }
    for (let i = from; i < to; i++) {
      const multiple = nearest(Math.fround((values[i] as number) / scale));
      // Beyond: of 4 bits on the side that has one multiple less; else where scales of the smallest magnitudes are rounded
      // so coarsely that a quotient is larger than the largest multiple.
      out[i] = Math.max(least, Math.min(multiple, most));
    }
  });
}

/** Two multiples of 4 bits a byte, the first in its lower half, as ONNX packs them: one after another, rows not padded. */
export function packNibbles(multiples: Int8Array, out: Uint8Array): void {
  const { length } = multiples;
  for (let i = 0; i < length; i += 2) {
    const high = i + 1 < length ? (multiples[i + 1] as number) & 15 : 0;
    out[i >> 1] = ((multiples[i] as number) & 15) | (high << 4);
  }
}

/** The lower and the upper byte of multiples in 16 bits, both signed: upper · 256 + lower. */
export function plane(multiples: Int16Array, which: 'high' | 'low', out: Int8Array): void {
  for (let i = 0; i < multiples.length; i++) {
    const multiple = multiples[i] as number;
    const low = ((multiple + 128) & 255) - 128;
    out[i] = which === 'low' ? low : (multiple - low) / HIGH;
  }
}

/** The matrix as it is after being stored by blocks, in float32: multiple · scale, which is what programs compute with. */
export function throughBlocks(
  values: Float32Array,
  columns: number,
  bits: BlockBits,
): Float32Array<ArrayBuffer> {
  const scales = blockScales(values, columns, bits);
  const multiples = new Int16Array(values.length);
  quantiseBlocks(values, columns, bits, scales, multiples);
  const out = new Float32Array(values.length);
  forBlocks(out.length, columns, (block, from, to) => {
    const scale = scales[block] as number;
    for (let i = from; i < to; i++) out[i] = (multiples[i] as number) * scale;
  });
  return out;
}
