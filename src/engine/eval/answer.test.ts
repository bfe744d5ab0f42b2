import { describe, expect, it } from 'vitest';
import type { RuleId } from '../../contract/answer-rules';
import type { Tokenizer } from '../tokenizer/tokenizer';
import { isCorrect, judged, lastNumber, textOf } from './answer';

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

describe('isCorrect by the rule of the set', () => {
  const prompt = 'The answer is:';
  it.each<[text: string, answer: string, rule: RuleId, right: boolean]>([
    // The prompt stands where the published rule looks for “#### ”.
    [' 1,234', '1234', 'gsm8k', true],
    [' 72.0', '72', 'gsm8k', false],
    ['48/2=24\nThe answer is: 72', '72', 'gsm8k', true],
    ['72 and 24\n#### 24', '24', 'gsm8k', true],
    ['Tom is a cat.\nThe answer is: Tom is a dog.', 'Tom is a dog.', 'coconut', true],
    [' Tom is a dog.', 'Tom is a dog.', 'coconut', true],
    [' C', 'C', 'letter', true],
    ['A is wrong. The answer is: C', 'C', 'letter', true],
    ['12 - 3 = 9\nThe answer is: 9-1', '9', 'first-number', true],
    ['12 - 3 = 9\nThe answer is: $1,234.50.', '1234.5', 'first-number', true],
    // Said twice, the last one counts.
    ['The answer is: 5. No, the answer is: 9', '9', 'first-number', true],
    ['The answer is: 5. No, the answer is: 9', '5', 'first-number', false],
    ['9.00001', '9', 'first-number', false],
    ['B. The answer is: yes', 'yes', 'text', true],
    ['B. It is yes', 'yes', 'text', false],
  ])('%j for %j by %s: %s', (text, answer, rule, right) => {
    expect(isCorrect(text, answer, { rule, prompt })).toBe(right);
  });
});

describe('the place of the answer', () => {
  const prompt = 'The answer is:';
  it.each<[rule: RuleId, text: string, value: string]>([
    ['coconut', '<<48/2=24>> 24\nThe answer is: 72', '72'],
    ['text', '24\nThe answer is: 72', '72'],
    ['gsm8k', '24\nThe answer is:  72', '72'],
    ['gsm8k', '24\nThe answer is: 7 #### 72', '72'],
    ['first-number', '24\nThe answer is: 72', '72'],
    ['letter', 'A. The answer is: C', 'C'],
    ['last-number', '24\nThe answer is: 72', '72'],
  ])('is of the whole text under %s', (rule, text, value) => {
    const { mark, right } = judged(text, value, { rule, prompt, isWhole: true });
    expect([right, text.slice(mark?.start, mark?.end)]).toEqual([true, value]);
    expect(mark?.start).toBe(text.lastIndexOf(value));
  });

  it('needs the sign of GSM8K or the prompt in a text that the model has written whole', () => {
    expect(isCorrect('42', '42', { rule: 'gsm8k', prompt })).toBe(true);
    expect(isCorrect('42', '42', { rule: 'gsm8k', prompt, isWhole: true })).toBe(false);
    expect(isCorrect('The answer is: 42', '42', { rule: 'gsm8k', prompt, isWhole: true })).toBe(true);
  });
});

describe('the rule of adaptive latent reasoning', () => {
  const judge = { rule: 'first-number', prompt: 'The answer is:' } as const;

  it('reads text and reference alike', () => {
    expect(isCorrect('-.5', '-.5', judge)).toBe(true);
    expect(isCorrect('5', '-.5', judge)).toBe(false);
    expect(isCorrect('3', '3-1', judge)).toBe(true);
  });

  it('finds the prompt in any case, and a text that the model has written whole is wrong without it', () => {
    const isWhole = true;
    expect(isCorrect('2 + 5 = 7. THE ANSWER IS: 7', '7', { ...judge, isWhole })).toBe(true);
    expect(isCorrect('7', '7', { ...judge, isWhole })).toBe(false);
    // Where the prompt was given, the text is what follows it.
    expect(isCorrect('7', '7', judge)).toBe(true);
    // Other rules do without.
    expect(isCorrect('7', '7', { rule: 'last-number', prompt: judge.prompt, isWhole })).toBe(true);
  });
});
