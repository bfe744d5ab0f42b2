import { describe, expect, it } from 'vitest';
import { bernoulli, philox4x32, siteId, uniformAt, words } from './philox';
import golden from './philox.golden.json';

const KEY = { seed: 5, step: 2, layer: 1, site: siteId('test') };

describe('Philox4x32-10', () => {
  // The known answers of Random123 (tests/kat_vectors).
  it.each([
    { counter: [0, 0, 0, 0], key: [0, 0], out: '6627e8d5 e169c58d bc57ac4c 9b00dbd8' },
    {
      counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      key: [0xffffffff, 0xffffffff],
      out: '408f276d 41c83b0e a20bc7c6 6d5451fd',
    },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      out: 'd16cfe09 94fdcceb 5001e420 24126ea1',
    },
  ])('gives the published answer $out', ({ counter, key, out }) => {
    const four = new Uint32Array(4);
    philox4x32(counter, key, four);
    expect(Array.from(four, (word) => word.toString(16).padStart(8, '0')).join(' ')).toBe(out);
  });

  it.each(golden.cases)('equals the reference for $key from element $first', (expected) => {
    const key = { ...expected.key, site: siteId(expected.key.site) };
    const { first } = expected;
    expect(Array.from(words(key, 12, first))).toEqual(expected.words);
    const even = Math.ceil(first / 2);
    expect(expected.doubles.map((_, i) => uniformAt(key, even + i))).toEqual(expected.doubles);
  });
});

describe('streams', () => {
  it('are functions of the element: any part of one, drawn in any order, is the same', () => {
    const whole = { w: words(KEY, 41), b: bernoulli(KEY, 0.3, 41) };
    for (const [from, n] of [
      [0, 1],
      [1, 1],
      [3, 6],
      [7, 34],
      [40, 1],
      [9, 0],
    ] as const) {
      expect(words(KEY, n, from)).toEqual(whole.w.slice(from, from + n));
      expect(bernoulli(KEY, 0.3, n, from)).toEqual(whole.b.slice(from, from + n));
    }
  });

  it('differ in every part of the key', () => {
    const others = [
      KEY,
      { ...KEY, seed: 6 },
      { ...KEY, seed: KEY.seed + 2 ** 32 },
      { ...KEY, step: 3 },
      { ...KEY, layer: 2 },
      { ...KEY, site: siteId('tests') },
    ].map((key) => words(key, 4).join());
    expect(new Set(others).size).toBe(others.length);
  });

  it('have the right moments', () => {
    const n = 40_000;
    const mean = (xs: readonly number[]): number => xs.reduce((s, x) => s + x, 0) / n;
    const u = Array.from({ length: n }, (_, i) => uniformAt(KEY, i));
    expect(u.every((x) => x >= 0 && x < 1)).toBe(true);
    // Within 4 standard errors: 0.29/√n and √(p(1−p)/n).
    const error = 4 / Math.sqrt(n);
    expect(Math.abs(mean(u) - 0.5)).toBeLessThan(0.29 * error);
    expect(Math.abs(mean([...bernoulli(KEY, 0.1, n)]) - 0.1)).toBeLessThan(0.3 * error);
  });

  it('are certain at the ends', () => {
    expect(bernoulli(KEY, 0, 100).every((x) => x === 0)).toBe(true);
    expect(bernoulli(KEY, 1, 100).every((x) => x === 1)).toBe(true);
  });

  it('refuse a key or range that would repeat numbers', () => {
    for (const bad of [
      { seed: 1.5 },
      { seed: -1 },
      { seed: 2 ** 53 },
      { step: 2 ** 32 },
      { layer: -1 },
      { site: Number.NaN },
    ])
      expect(() => words({ ...KEY, ...bad }, 1)).toThrow(RangeError);
    expect(() => words(KEY, 1, 2 ** 34)).toThrow(/2\^34/);
    expect(() => words(KEY, -1)).toThrow(RangeError);
    for (const p of [-0.1, 1.1, Number.NaN]) expect(() => bernoulli(KEY, p, 1)).toThrow(/probability/);
  });
});
