import { describe, expect, it } from 'vitest';
import { listed, quote, shorten } from './quote';

describe('quote', () => {
  it('shows what was found, briefly', () => {
    expect([quote('a "b"'), quote(3), quote(null), quote(undefined), quote({ a: 1 })]).toEqual([
      '"a \\"b\\""',
      '3',
      'null',
      'missing',
      'an object',
    ]);
    expect(quote([1, 'x', [2], {}])).toBe('[1, "x", a list, an object]');
  });

  it('does not descend into nested values, and never exceeds the given length', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 200_000; i++) deep = [deep];
    expect(quote(deep)).toBe('[a list]');
    expect(quote('x'.repeat(900_000))).toHaveLength(96);
    expect(quote(Array.from({ length: 90_000 }, (_, i) => i)).length).toBeLessThanOrEqual(96);
    expect(['a', 'b'].map(quote)).toEqual(['"a"', '"b"']);
  });

  it('never splits a character', () => {
    expect(shorten('a😀b', 3)).toBe('a…');
    expect(shorten('a😀b', 4)).toBe('a😀b');
  });

  it('says how many names it leaves out', () => {
    expect(listed(['a', 'b', 'c'], 2)).toBe('a, b and 1 more');
    expect(listed(['a', 'b'], 2)).toBe('a, b');
  });
});
