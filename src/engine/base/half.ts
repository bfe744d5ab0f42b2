/**
 * f16 and bf16 ↔ f32 on bit patterns, because going through floats would lose NaN payloads. Widening is exact, including
 * subnormals, infinities and NaN payloads.
 */
import type {
  GraphDType,
  GraphHostTensor,
  HalfDType,
  HalfHostTensor,
  HostTensor,
  PackedHostTensor,
} from './dtype';

/** Bits of the f32 equal to the bf16 with the 16 bits `h`; signed, as a Uint32Array takes them. */
export const bf16Bits = (h: number): number => h << 16;

/** Bits of the f32 equal to the f16 with the 16 bits `h`. */
export function f16Bits(h: number): number {
  const sign = (h & 0x8000) << 16;
  const exponent = (h >>> 10) & 0x1f;
  const mantissa = h & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (mantissa << 13)) >>> 0;
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (mantissa << 13)) >>> 0;
  if (mantissa === 0) return sign >>> 0;
  // Subnormal, mantissa · 2^-24: shift its leading one into the hidden bit.
  const shift = Math.clz32(mantissa) - 21;
  return (sign | ((113 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13)) >>> 0;
}

/** The f32 bits of all 65536 values of f16. */
let f16Table: Uint32Array | undefined;

/** 16-bit values → the bits of the same values in f32, written to the start of `bits`. */
function widen(halves: Uint16Array, dtype: HalfDType, bits: Uint32Array): void {
  const { length } = halves;
  if (dtype === 'bf16') {
    for (let i = 0; i < length; i++) bits[i] = bf16Bits(halves[i] as number);
    return;
  }
  f16Table ??= Uint32Array.from({ length: 65536 }, (_, h) => f16Bits(h));
  for (let i = 0; i < length; i++) bits[i] = f16Table[halves[i] as number] as number;
}

/** 16-bit values as f32, in a new array. */
export function widened(halves: Uint16Array, dtype: HalfDType): Float32Array<ArrayBuffer> {
  const out = new Float32Array(halves.length);
  widen(halves, dtype, new Uint32Array(out.buffer));
  return out;
}

/** Elements converted at a time, small enough for the cache. */
const CHUNK = 8192;

/** Writes 16-bit values to `out` as f32, 4 bytes each, at any alignment and without a second copy of everything. */
export function widenBytes(halves: Uint16Array, dtype: HalfDType, out: Uint8Array): void {
  const chunk = new Uint32Array(Math.min(CHUNK, halves.length));
  const bytes = new Uint8Array(chunk.buffer);
  for (let at = 0; at < halves.length; at += CHUNK) {
    const some = halves.subarray(at, at + CHUNK);
    widen(some, dtype, chunk);
    out.set(some.length === chunk.length ? bytes : bytes.subarray(0, 4 * some.length), 4 * at);
  }
}

/** Whether the tensor is stored in 16 bits. */
export const isHalf = (host: HostTensor | PackedHostTensor): host is HalfHostTensor =>
  host.dtype === 'f16' || host.dtype === 'bf16';

/** The dtype it has in the graph. */
export const graphDType = ({ dtype }: { readonly dtype: HostTensor['dtype'] }): GraphDType =>
  dtype === 'f16' || dtype === 'bf16' ? 'f32' : dtype;

/** The tensor as the graph uses it: itself, or an f32 copy if it is stored in 16 bits. */
export const graphTensor = (host: HostTensor): GraphHostTensor =>
  isHalf(host) ? { dtype: 'f32', shape: host.shape, data: widened(host.data, host.dtype) } : host;

/** Elements [from, to) of a float tensor as f32: a view if it is f32, a copy if it is in 16 bits. Nothing else is converted. */
export function floatsOf(host: HostTensor, from = 0, to = host.data.length): Float32Array<ArrayBuffer> {
  return isHalf(host)
    ? widened(host.data.subarray(from, to), host.dtype)
    : (host.data as Float32Array<ArrayBuffer>).subarray(from, to);
}

/** The 16 bits of the bf16 nearest to the f32 with the bits `bits`, ties to even; a NaN becomes quiet. */
export function toBf16(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40; // quiet NaN: rounding could reach infinity
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/**
 * The 16 bits of the f16 nearest to the f32 with the bits `bits`, ties to even: 65520 and above become infinity, values
 * below 2^-25 a zero of their sign; a NaN becomes quiet and keeps the upper bits of its payload.
 */
export function toF16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff);
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) return sign | roundShift(magnitude - 0x38000000, 13);
  // Subnormal: the mantissa with its hidden bit, in units of 2^-24.
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
