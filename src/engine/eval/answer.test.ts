import { describe, expect, it } from 'vitest';
import type { Tokenizer } from '../tokenizer/tokenizer';
import { isCorrect, lastNumber, textOf } from './answer';

describe('lastNumber', () => {
  // The first three are CODI's own evaluation on these texts.
  it.each<[string, number | undefined]>([
    ['3-1=2', 2],
    ['1,000.', 1000],
    ['-.5', 5],
    ['The answer is: 42', 42],
    ['The answer is:-7', -7],
    ['5-3', -3],
    ['1,234,567.50 dollars', 1234567.5],
    ['12 apples and 0.25', 0.25],
    ['3.', 3],
    ['1.2.3', 3],
    ['007', 7],
    ['1e5', 5],
    ['', undefined],
    ['none at all', undefined],
    ['-', undefined],
  ])('of %j is %j', (text, expected) => {
    expect(lastNumber(text)).toBe(expected);
  });
});

describe('textOf', () => {
  it('leaves out ids past the tokenizer, and only those', () => {
    const tokenizer = {
      vocabSize: 5,
      decode: (ids: readonly number[]) => ids.join(),
    } as unknown as Tokenizer;
    expect(textOf(tokenizer, [4, 5, 0, 99, 3])).toBe('4,0,3');
    expect(textOf(tokenizer, [])).toBe('');
  });
});

describe('isCorrect', () => {
  it.each<[string, string, boolean]>([
    ['<<3-1=2>> The answer is: 2', '2', true],
    ['2.0', '2', true],
    ['1,000', '1000', true],
    ['2 or 3', '2', false],
    ['no number', '0', false],
    ['', '0', false],
    ['', '', false],
    ['0.1', '0.10', true],
    // Exact equality of floats: no tolerance.
    ['0.30000000000000004', '0.3', false],
    ['2', '-2', false],
  ])('%j against %j: %s', (text, answer, expected) => {
    expect(isCorrect(text, answer)).toBe(expected);
  });
});
