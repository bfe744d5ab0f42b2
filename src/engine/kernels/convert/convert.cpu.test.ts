import { describe, expect, it } from 'vitest';
import { ShapeError } from '../../base/errors';
import { type Conversion, convertCpu } from './convert.cpu';
import golden from './convert.golden.json';
import { allHalves, unpackWords } from './convert.testing';

describe('conversion twin', () => {
  for (const c of golden.cases) {
    it(`gives the bits that numpy and torch give, ${c.conversion}`, () => {
      const got = convertCpu(unpackWords(c.words), c.count, c.conversion as Conversion);
      expect([...got]).toEqual([...unpackWords(c.out)]);
    });
  }

  it('rounds to nearest even where f16 is subnormal, and away from its range to infinity', () => {
    // bf16 patterns and what IEEE 754 makes of them in f16.
    const table: readonly (readonly [number, number])[] = [
      [0x0000, 0x0000], // 0
      [0x8000, 0x8000], // −0
      [0x0001, 0x0000], // a bf16 subnormal: far below
      [0x8001, 0x8000],
      [0x3f80, 0x3c00], // 1
      [0x3380, 0x0001], // 2^-24, the smallest f16
      [0x3300, 0x0000], // 2^-25: half of it, a tie, to even
      [0x3301, 0x0001], // just above the tie
      [0x33c0, 0x0002], // 1.5 · 2^-24: a tie, to even
      [0x3420, 0x0002], // 2.5 · 2^-24: a tie, to even
      [0x3421, 0x0003], // just above
      [0x387f, 0x03fc], // the largest bf16 below 2^-14, still subnormal
      [0x3880, 0x0400], // 2^-14, the smallest normal
      [0x477f, 0x7bf8], // 65280
      [0x4780, 0x7c00], // 65536: infinity
      [0xff7f, 0xfc00], // the largest bf16, negative
      [0x7f80, 0x7c00], // infinity
      [0xff80, 0xfc00],
      [0x7fc0, 0x7e00], // NaN
      [0x7f81, 0x7e08], // a signalling NaN becomes quiet and keeps its payload
      [0xffff, 0xfff8],
    ];
    for (const [from, to] of table)
      expect(convertCpu(new Uint32Array([from]), 1, 'bf16 to f16')[0], from.toString(16)).toBe(to);
  });

  it('leaves a zero beside an odd last value', () => {
    expect([...convertCpu(new Uint32Array([0xdead3f80]), 1, 'bf16 to f16')]).toEqual([0x3c00]);
    expect(convertCpu(allHalves(), 3, 'bf16 to f32')).toHaveLength(3);
  });

  it('refuses too few words and a count of 0', () => {
    expect(() => convertCpu(new Uint32Array(1), 3, 'f16 to f32')).toThrow(/1 words given, expected 2 for 3/);
    expect(() => convertCpu(new Uint32Array(1), 0, 'f16 to f32')).toThrow(ShapeError);
  });
});
