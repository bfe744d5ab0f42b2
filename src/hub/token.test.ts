import { describe, expect, it } from 'vitest';
import { parseToken } from './token';

const refusal = (text: string): { code: string; message: string; hint: string } => {
  try {
    parseToken(text);
  } catch (thrown) {
    return thrown as { code: string; message: string; hint: string };
  }
  throw new Error('it was not refused');
};

describe('an access token', () => {
  it('is taken without what surrounds it; nothing is none', () => {
    expect(parseToken(' hf_aZ09~!\n')).toBe('hf_aZ09~!');
    expect(parseToken(' \uFEFF ')).toBeNull();
  });

  it.each([
    ['hf_secret\u200B', 'character 10 of the 10', 'U+200B, which is invisible'],
    ['\u200Bhf_secret', 'character 1 of the 10', 'U+200B, which is invisible'],
    ['hf_se cret', 'character 6 of the 10', 'U+0020, which is invisible'],
    ['hf_secr\u00E9t', 'character 8 of the 9', '“é” (U+00E9)'],
    ['hf_\u{1F511}secret', 'character 4 of the 10', '“🔑” (U+1F511)'],
    ['hf_se\ncret', 'character 6 of the 10', 'U+000A, which is invisible'],
  ])('with a character that headers do not take is refused by its place: %j', (text, place, character) => {
    const { code, message, hint } = refusal(text);
    expect(code).toBe('input');
    expect(message).toContain(`${place} of the access token is ${character}`);
    expect(hint).toContain('Copy the token again');
    expect(message + hint).not.toMatch(/secr|cret/);
  });
});
