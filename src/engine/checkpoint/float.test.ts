import { describe, expect, it } from 'vitest';
import type { HostTensor } from '../base/dtype';
import { FileError } from '../base/errors';
import { floatsOf } from '../base/half';
import { elementsOf, encodeFloats, type FloatDType } from './float';

/** IEEE 754's definition in float64, where every 16-bit float is exact. */
function exact(bits: number, exponentBits: number): number {
  const mantissaBits = 15 - exponentBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = (bits >> mantissaBits) & (2 ** exponentBits - 1);
  const fraction = (bits & (2 ** mantissaBits - 1)) / 2 ** mantissaBits;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * 2 ** (1 - bias) * fraction : sign * 2 ** (exponent - bias) * (1 + fraction);
}

const formats = [
  ['f16', 5],
  ['bf16', 8],
] as const;
const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
const bytesOf = (a: Uint16Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(a.buffer, a.byteOffset, a.byteLength);
/** Stored bytes as f32. */
function decodeFloats(bytes: Uint8Array<ArrayBuffer>, dtype: FloatDType): Float32Array<ArrayBuffer> {
  const data = elementsOf(bytes, dtype);
  return floatsOf({ dtype, shape: [data.length], data } as HostTensor);
}

describe.each(formats)('%s', (dtype, exponentBits) => {
  it('widens all 65536 values exactly', () => {
    const wide = decodeFloats(bytesOf(all), dtype);
    const wrong = [...all].filter((h) => !Object.is(wide[h], exact(h, exponentBits)));
    expect(wrong).toEqual([]);
  });

  it('round-trips all 65536 bit patterns, except that a NaN may become quiet', () => {
    const back = new Uint16Array(encodeFloats(decodeFloats(bytesOf(all), dtype), dtype).buffer);
    const quiet = dtype === 'f16' ? 0x200 : 0x40;
    const wrong = [...all].filter((h) => back[h] !== (Number.isNaN(exact(h, exponentBits)) ? h | quiet : h));
    expect(wrong).toEqual([]);
  });

  it('rounds to nearest, ties to even, around every boundary', () => {
    const wrong: number[] = [];
    const max = dtype === 'f16' ? 0x7bff : 0x7f7f;
    const f32 = new Float32Array(1);
    const bits = new Uint32Array(f32.buffer);
    const round = (x: number, nudge: number): number => {
      f32[0] = x;
      bits[0] = (bits[0] as number) + nudge;
      return new Uint16Array(encodeFloats(f32, dtype).buffer)[0] as number;
    };
    for (let h = 0; h < max; h++) {
      // The midpoint of two neighbours has one more bit and so is exact in f32 (bf16 subnormals included).
      const middle = (exact(h, exponentBits) + exact(h + 1, exponentBits)) / 2;
      const even = h % 2 === 0 ? h : h + 1;
      if (round(middle, 0) !== even || round(middle, -1) !== h || round(middle, 1) !== h + 1) wrong.push(h);
      if (round(-middle, 0) !== (even | 0x8000)) wrong.push(-h);
    }
    expect(wrong).toEqual([]);
  });
});

describe('any float format', () => {
  it('overflows to infinity and keeps NaN', () => {
    const extremes = new Float32Array([
      65519.996,
      65520,
      1e30,
      -1e30,
      3.4028234663852886e38,
      NaN,
      1e-45,
      -1e-45,
    ]);
    expect([...decodeFloats(encodeFloats(extremes, 'f16'), 'f16')]).toEqual([
      65504,
      Infinity,
      Infinity,
      -Infinity,
      Infinity,
      NaN,
      0,
      -0,
    ]);
    expect([...decodeFloats(encodeFloats(extremes, 'bf16'), 'bf16')].slice(3)).toEqual([
      exact(0xf14a, 8),
      Infinity,
      NaN,
      0,
      -0,
    ]);
  });

  it('reads at any alignment, keeps f32 NaN payloads, and copies from a larger buffer', () => {
    const patterns = new Uint32Array([0x7fa00001, 0xffc12345, 0x00000001, 0x80000000, 0x3f800000]);
    for (const shift of [0, 1, 2, 3]) {
      const bytes = new Uint8Array(patterns.byteLength + shift);
      bytes.set(new Uint8Array(patterns.buffer), shift);
      const out = decodeFloats(bytes.subarray(shift), 'f32');
      expect([...new Uint32Array(out.buffer)]).toEqual([...patterns]);
      bytes.fill(0xff);
      expect(out[4]).toEqual(shift === 0 ? NaN : 1);
      for (const dtype of ['f16', 'bf16'] as FloatDType[]) {
        const halves = new Uint8Array(4 + shift).fill(0x7b);
        halves.set(encodeFloats(new Float32Array([1.5, -3]), dtype), shift);
        expect([...decodeFloats(halves.subarray(shift), dtype)]).toEqual([1.5, -3]);
      }
    }
  });

  it('keeps 16 bits per element, in a buffer of that size', () => {
    const file = new Uint8Array(Uint16Array.of(9, 0x7e01, 0x8001, 9).buffer);
    for (const dtype of ['f16', 'bf16'] as const) {
      const halves = elementsOf(file.subarray(2, 6), dtype);
      expect(halves).toEqual(Uint16Array.of(0x7e01, 0x8001));
      expect(halves.buffer.byteLength).toBe(4);
      expect(elementsOf(file, dtype).buffer).toBe(file.buffer);
    }
  });

  it('refuses a ragged length', () => {
    expect(() => decodeFloats(new Uint8Array(3), 'f16')).toThrow(FileError);
    expect(() => decodeFloats(new Uint8Array(6), 'f32')).toThrow('6 bytes are not a whole number of f32');
  });
});
