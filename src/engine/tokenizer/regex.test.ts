import { describe, expect, it } from 'vitest';
import { whyUnsafe } from './regex';

describe('patterns of real tokenizers pass', () => {
  it.each([
    ['GPT-2', "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"],
    [
      'Qwen2, Llama 3',
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    ],
    [
      'o200k',
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    ],
    ['BLOOM', ' ?[^(\\s|[.,!?…。，、।۔،])]+'],
    [
      'DeepSeek',
      '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+',
    ],
    ['the bundled one', '▁?<<[0-9]+|=[0-9]+>>|[-+*/][0-9]+|▁?[0-9]+|▁?[A-Za-z]+|[^A-Za-z0-9]'],
    ['a repeated word', '(?:ab)+c?'],
    ['spaces', ' {2,}'],
  ])('%s', (_name, pattern) => expect(whyUnsafe(pattern)).toBeNull());
});

describe('patterns that might not terminate are refused', () => {
  it.each([
    ['([a-zA-Z ]+[ ▁]?)+#', 'repeats a group'],
    ['(a+)+$', 'repeats a group'],
    ['(a|aa)*b', 'repeats a group'],
    ['(?:(?:a?))*', 'repeats a group'],
    ['((a{2,5})){3}', 'repeats a group'],
    ['(?<word>a+){2,}', 'repeats a group'],
    ['\\s*\\s*\\s*x', 'more than 2 repetitions in a row'],
    ['(a*)(b*)(c*)', 'more than 2 repetitions in a row'],
    ['(?=.*a)(?=.*b).*', 'more than 2 repetitions in a row'],
    ['a{1,100000}', 'more than 1000 times'],
    ['a{2000}', 'more than 1000 times'],
    [`${'('.repeat(40)}a${')'.repeat(40)}`, 'nests groups'],
    ['a'.repeat(5000), 'has 5000 characters'],
  ])('%.40s', (pattern, why) => expect(whyUnsafe(pattern)).toContain(why));

  it('escapes and classes do not hide a repetition, nor count as one', () => {
    expect(whyUnsafe('(\\(+)+')).toContain('repeats a group');
    expect(whyUnsafe('([+*?]a)+')).toBeNull();
    expect(whyUnsafe('([\\]+]a)+')).toBeNull();
    expect(whyUnsafe('(\\p{L}x)+')).toBeNull();
  });
});
