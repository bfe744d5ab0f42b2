/** Rows of weights as GGUF stores them: F32, F16, and blocks of 32 with a float16 scale (Q8_0, Q4_0). */
import { toF16 } from '../../../../src/engine/base/half';

/** ggml's numbers of its types. */
export const GGML_TYPES = { f32: 0, f16: 1, q4_0: 2, q8_0: 8 } as const;
export type GgmlType = keyof typeof GGML_TYPES;

const BLOCK = 32;

/** Bytes of so many values. */
export const bytesOf = (type: GgmlType, values: number): number =>
  ({ f32: 4 * values, f16: 2 * values, q4_0: (18 * values) / BLOCK, q8_0: (34 * values) / BLOCK })[type];

/** @throws an error for values that do not fill blocks */
export function encode(values: Float32Array, type: GgmlType): Uint8Array {
  if (type === 'f32') return new Uint8Array(values.slice().buffer);
  if (type === 'f16') return new Uint8Array(halves(values).buffer);
  if (values.length % BLOCK !== 0) throw new Error(`${values.length} values are not blocks of ${BLOCK}`);
  const out = new Uint8Array(bytesOf(type, values.length));
  const bytes = out.length / (values.length / BLOCK);
  const write = type === 'q8_0' ? writeQ8 : writeQ4;
  for (let at = 0, to = 0; at < values.length; at += BLOCK, to += bytes)
    write(values.subarray(at, at + BLOCK), out.subarray(to, to + bytes));
  return out;
}

/** d, then round(x/d) as int8, d = max|x| / 127. */
function writeQ8(block: Float32Array, out: Uint8Array): void {
  const most = extreme(block);
  const inverse = writeScale(Math.abs(most) / 127, out);
  for (let i = 0; i < BLOCK; i++) out[2 + i] = Math.round((block[i] as number) * inverse);
}

/** d, then x/d + 8 in four bits, of values i and i + 16 in one byte, d = the largest value / −8. */
function writeQ4(block: Float32Array, out: Uint8Array): void {
  const inverse = writeScale(extreme(block) / -8, out);
  const nibble = (i: number): number =>
    Math.min(15, Math.max(0, Math.round((block[i] as number) * inverse) + 8));
  for (let i = 0; i < 16; i++) out[2 + i] = nibble(i) | (nibble(i + 16) << 4);
}

/** The value furthest from 0, with its sign. */
function extreme(block: Float32Array): number {
  let most = 0;
  for (const x of block) if (Math.abs(x) > Math.abs(most)) most = x;
  return most;
}

/** Writes d; 1/d, or 0. */
function writeScale(d: number, out: Uint8Array): number {
  const bits = halves(Float32Array.of(d))[0] as number;
  out[0] = bits & 255;
  out[1] = bits >> 8;
  return d === 0 ? 0 : 1 / d;
}

const halves = (values: Float32Array): Uint16Array =>
  Uint16Array.from(new Uint32Array(values.slice().buffer), toF16);
