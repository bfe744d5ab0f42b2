import { expect, it } from 'vitest';
import { ConfigError, InputError } from '../../base/errors';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import { withinVocabulary } from './vocabulary';

/** Letters are tokens: a is 0, b is 1, … */
const ids = (text: string) => [...text].map((c) => c.charCodeAt(0) - 97);
const letters: Tokenizer = {
  encode: ids,
  tokens: (text) => ids(text).map((id) => ({ id })),
  decode: (ids) => String.fromCharCode(...ids.map((id) => id + 97)),
  tokenText: (id) => String.fromCharCode(id + 97),
  has: () => true,
  isSpecial: () => false,
  tokenBytes: () => undefined,
  chat: undefined,
  notes: ['of the files'],
  vocabSize: 26,
  bosTokenId: 1,
  eosTokenId: 25,
  unknownTokenId: undefined,
  padTokenId: 24,
};

it('leaves a tokenizer that fits alone', () => {
  expect(withinVocabulary(letters, { vocabSize: 26 })).toEqual({
    tokenizer: letters,
    chat: undefined,
    notes: ['of the files'],
  });
});

it('refuses only texts that use a token without a row, by its name', () => {
  const { tokenizer, notes } = withinVocabulary(letters, { vocabSize: 24 });
  expect(tokenizer.encode('abc')).toEqual([0, 1, 2]);
  for (const read of [tokenizer.encode, tokenizer.tokens]) expect(() => read('aby')).toThrow(InputError);
  expect(() => tokenizer.encode('aby')).toThrow('no row for the token y (id 24, of 24)');
  expect([tokenizer.bosTokenId, tokenizer.eosTokenId, tokenizer.padTokenId]).toEqual([1, undefined, 0]);
  expect(notes).toEqual(['of the files', expect.stringContaining('2 tokens for which the model has no row')]);
});

it("refuses another model's tokenizer", () => {
  expect(() => withinVocabulary({ ...letters, vocabSize: 200 }, { vocabSize: 24 })).toThrow(ConfigError);
});
