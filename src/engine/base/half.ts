/** f16 and bf16 ↔ f32, one value at a time and as bit patterns: floats in between would lose NaN payloads. */

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
