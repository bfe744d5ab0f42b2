import { describe, expect, it } from 'vitest';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import { tokensOfRow } from './row-tokens';

/** One id per character; special tokens around a text, as told. */
function characters({ before = [] as number[], after = [] as number[], lineEnds = true } = {}): Tokenizer {
  const plain = (text: string) => Array.from(text, (c) => (c === '\n' && !lineEnds ? 0 : c.charCodeAt(0)));
  return {
    encode: (text: string, { addSpecialTokens = true } = {}) =>
      addSpecialTokens ? [...before, ...plain(text), ...after] : plain(text),
    decode: (ids: readonly number[]) => ids.map((id) => (id === 0 ? '' : String.fromCharCode(id))).join(''),
  } as unknown as Tokenizer;
}
const codes = (text: string) => Array.from(text, (c) => c.charCodeAt(0));
const ROW = { question: 'Q?', rationale: 'r', answer: '7' };

describe('the tokens of a row', () => {
  it('are those of its parts, each with its line end', () => {
    expect(tokensOfRow(characters(), ROW)).toEqual({
      question: codes('Q?\n'),
      rationale: codes('r\n'),
      answer: codes('The answer is: 7'),
    });
  });

  it('begin as the model expects, and do not end after the question', () => {
    for (const after of [[], [2], [2, 3]])
      expect(tokensOfRow(characters({ before: [1, 9], after }), ROW).question).toEqual([
        1,
        9,
        ...codes('Q?\n'),
      ]);
    // An end token that also is a character of the text is told apart by its place.
    const tokenizer = characters({ before: [1], after: codes('\n') });
    expect(tokensOfRow(tokenizer, { ...ROW, question: 'Q' }).question).toEqual([1, ...codes('Q\n')]);
  });

  it('have no line ends where the tokenizer has no token for them', () => {
    const tokens = tokensOfRow(characters({ lineEnds: false }), ROW);
    expect([tokens.question, tokens.rationale]).toEqual([codes('Q?'), codes('r')]);
  });

  it('are none for an absent rationale', () => {
    expect(tokensOfRow(characters(), { ...ROW, rationale: '' }).rationale).toEqual([]);
  });
});
