import { ShapeError } from '../../base/errors';
import { bf16Bits, f16Bits, toF16 } from '../../base/half';
import { expectDims } from '../shared/check';

/** Conversions of the kernel: bf16 → f32, bf16 → f16, f16 → f32. */
export type Conversion = 'bf16 to f32' | 'bf16 to f16' | 'f16 to f32';

/** Bytes of `count` converted values; f16 is packed two per word, so that an odd last one is followed by a zero. */
export const convertedBytes = (conversion: Conversion, count: number): number =>
  conversion === 'bf16 to f16' ? Math.ceil(count / 2) * 4 : count * 4;

/**
 * `count` values, two per little-endian word as a checkpoint stores them → f32 bits, or f16 two per word. Works on bit
 * patterns: widening is exact, including subnormals and NaN payloads; f16 is rounded like `toF16`. Throws `ShapeError`.
 */
export function convertCpu(
  words: Uint32Array,
  count: number,
  conversion: Conversion,
): Uint32Array<ArrayBuffer> {
  expectDims('convert', { count });
  if (words.length < Math.ceil(count / 2))
    throw new ShapeError(
      `convert: ${words.length} words given, expected ${Math.ceil(count / 2)} for ${count}`,
    );
  const out = new Uint32Array(convertedBytes(conversion, count) / 4);
  for (let i = 0; i < count; i++) {
    const half = i % 2 === 0 ? (words[i / 2] as number) & 0xffff : (words[(i - 1) / 2] as number) >>> 16;
    if (conversion === 'bf16 to f32') out[i] = bf16Bits(half);
    else if (conversion === 'f16 to f32') out[i] = f16Bits(half);
    else out[Math.floor(i / 2)]! |= toF16(bf16Bits(half) >>> 0) << (i % 2 === 0 ? 0 : 16);
  }
  return out;
}
