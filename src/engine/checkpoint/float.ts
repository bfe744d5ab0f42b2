/**
 * f16 and bf16 ↔ f32. Checkpoints store them; the graph computes in f32. Widening is exact, subnormals, infinities
 * and NaN payloads included, because it works on bit patterns and never on float values.
 * Little-endian hosts only, which is every host with WebAssembly.
 */
import type { DType } from '../base/dtype';
import { FileError } from '../base/errors';

export type FloatDType = Extract<DType, 'f32' | 'f16' | 'bf16'>;

/** Bits of the f32 equal to the f16 with the 16 bits `h`. */
export function f16Bits(h: number): number {
  const sign = (h & 0x8000) << 16;
  const exponent = (h >>> 10) & 0x1f;
  const mantissa = h & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (mantissa << 13)) >>> 0;
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (mantissa << 13)) >>> 0;
  if (mantissa === 0) return sign >>> 0;
  // Subnormal, mantissa · 2^-24: shift its leading one into the hidden place.
  const shift = Math.clz32(mantissa) - 21;
  return (sign | ((113 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13)) >>> 0;
}

let f16Table: Uint32Array | undefined;

/** Little-endian float bytes, at any alignment → a new Float32Array. Throws `FileError` on a ragged length. */
export function decodeFloats(bytes: Uint8Array, dtype: FloatDType): Float32Array<ArrayBuffer> {
  const width = dtype === 'f32' ? 4 : 2;
  if (bytes.length % width !== 0)
    throw new FileError(`${bytes.length} bytes are not a whole number of ${dtype} values`);
  const out = new Float32Array(bytes.length / width);
  if (dtype === 'f32') {
    new Uint8Array(out.buffer).set(bytes);
    return out;
  }
  const halves =
    bytes.byteOffset % 2 === 0
      ? new Uint16Array(bytes.buffer, bytes.byteOffset, out.length)
      : new Uint16Array(bytes.slice().buffer);
  const bits = new Uint32Array(out.buffer);
  if (dtype === 'bf16') {
    for (let i = 0; i < bits.length; i++) bits[i] = (halves[i] as number) << 16;
    return out;
  }
  f16Table ??= Uint32Array.from({ length: 65536 }, (_, h) => f16Bits(h));
  for (let i = 0; i < bits.length; i++) bits[i] = f16Table[halves[i] as number] as number;
  return out;
}

/** f32 values → little-endian bytes, rounded to nearest even; beyond the range becomes infinity, NaN stays NaN. */
export function encodeFloats(values: Float32Array, dtype: FloatDType): Uint8Array<ArrayBuffer> {
  if (dtype === 'f32') {
    const copy = new Float32Array(values);
    return new Uint8Array(copy.buffer);
  }
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  const narrow = dtype === 'f16' ? toF16 : toBf16;
  for (let i = 0; i < out.length; i++) out[i] = narrow(bits[i] as number);
  return new Uint8Array(out.buffer);
}

function toBf16(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40; // quiet NaN: rounding could reach infinity
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function toF16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff);
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65520 and above round to infinity
  if (magnitude >= 0x38800000) return sign | roundShift(magnitude - 0x38000000, 13);
  // Subnormal: the mantissa with its hidden one, in units of 2^-24.
  const shift = 126 - (magnitude >>> 23);
  return shift > 24 ? sign : sign | roundShift((magnitude & 0x7fffff) | 0x800000, shift);
}

/** value / 2^shift, ties to even. */
function roundShift(value: number, shift: number): number {
  const half = 2 ** (shift - 1);
  const rest = value % (half * 2);
  const whole = Math.floor(value / (half * 2));
  return rest > half || (rest === half && whole % 2 === 1) ? whole + 1 : whole;
}
