import { expect, it } from 'vitest';
import { fullMatch, PatternError } from './pattern';

const NAMES = [
  '',
  'q_proj',
  'model.layers.0.self_attn.q_proj',
  'model.layers.12.self_attn.v_proj',
  'model.layers.3.mlp.down_proj',
  'transformer.h.7.attn.c_attn',
  'aab',
  'abab',
  'a.b',
  'axb',
];

it.each([
  'q_proj',
  '.*q_proj',
  '^(.*\\.)?(q_proj)$',
  'model\\.layers\\.\\d+\\.self_attn\\.(q|v)_proj',
  'model\\.layers\\.([0-3]|1[0-9])\\.(?:mlp|self_attn)\\.[a-z_]+',
  '(a|b)*',
  'a{2}b?',
  '(ab){1,2}',
  '(ab){2,}',
  'a.b',
  'a\\.b',
  '[^.]+',
  '.+?proj',
  '',
  '|q_proj',
  '[]a-b]*',
])('%s: as JavaScript matches it', (pattern) => {
  const expected = new RegExp(`^(?:${pattern.replace('[]a', '[\\]a')})$`);
  const matches = fullMatch(pattern);
  for (const name of NAMES) expect(matches(name), name).toBe(expected.test(name));
});

it('takes no longer for expressions that make backtracking hang', () => {
  const start = performance.now();
  expect(fullMatch('(([a-z]+)+)+#')('a'.repeat(5000))).toBe(false);
  expect(performance.now() - start).toBeLessThan(2000);
});

it.each([
  '(?=a)b',
  '(?P<n>a)',
  'a**',
  '*a',
  '[a',
  '(a',
  'a)',
  '\\1',
  'a{1000}',
  '(((a{99}){99}){99}){99}',
  `${'('.repeat(40)}a${')'.repeat(40)}`,
  'a'.repeat(5000),
])('refuses %.40s', (pattern) => {
  expect(() => fullMatch(pattern)).toThrow(PatternError);
});
