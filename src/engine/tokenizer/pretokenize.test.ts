import { expect, it } from 'vitest';
import { preTokenizer } from './pretokenize';
import smollm from './testing/smollm-cut.json';
import { loadTokenizer } from './tokenizer';

// Pieces by the Rust library (tokenizers 0.23.2, `pre_tokenize_str`). Ids would not show differences that no merge spans.
it.each([
  [
    { type: 'Whitespace' },
    'a\u200db ² ½ é_1 \u0085 \ufeff ۩ Ⅷ',
    ['a\u200db', '²', '½', 'é_1', '\ufeff', '۩', 'Ⅷ'],
  ],
  [{ type: 'WhitespaceSplit' }, 'a\u0085b\ufeffc', ['a', 'b\ufeffc']],
  [{ type: 'Punctuation' }, 'a$b+c—d!!e', ['a', '$', 'b', '+', 'c', '—', 'd', '!', '!', 'e']],
  [{ type: 'Digits', individual_digits: false }, '1½²a12', ['1½²', 'a', '12']],
  [{ type: 'Digits', individual_digits: true }, '1½a', ['1', '½', 'a']],
  [{ type: 'FixedLength', length: 2 }, 'a👩b数cd', ['a👩', 'b数', 'cd']],
  [
    { type: 'Split', pattern: { Regex: "(?i:'s|'t)|[^']+|'" }, behavior: 'Isolated', invert: false },
    "it a'S",
    ['it a', "'S"],
  ],
  [
    { type: 'Split', pattern: { Regex: "(?i:'s|'k)|[^']+|'" }, behavior: 'Isolated', invert: false },
    "it'ſa'\u212ab'sK",
    ['it', "'ſ", 'a', "'\u212a", 'b', "'s", 'K'],
  ],
  [{ type: 'ByteLevel', add_prefix_space: false }, 'a\u0085\ufeffb it', ['a', 'Âħ', 'ï»¿', 'b', 'Ġit']],
])('%j', (step, text, pieces) => {
  expect(preTokenizer(step)({ text, first: true }).map((piece) => piece.text)).toEqual(pieces);
});

it('only the first piece of a text counts as its beginning', () => {
  const step = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true };
  const parts = [{ type: 'Split', pattern: { String: '-' }, behavior: 'Removed', invert: false }, step];
  const pieces = (text: string, first: boolean) =>
    preTokenizer({ type: 'Sequence', pretokenizers: parts })({ text, first }).map((piece) => piece.text);
  expect(pieces('a b-c', true)).toEqual(['▁a', '▁b', 'c']);
  expect(pieces('a b-c', false)).toEqual(['a', '▁b', 'c']);
  expect(pieces('-c', true)).toEqual(['c']);
});

it('a byte order mark at the start of a text is kept', async () => {
  const t = await loadTokenizer(smollm, {});
  expect(t.decode(t.encode('\ufeffa'))).toBe('\ufeffa');
});

it('half a surrogate pair becomes the replacement character', async () => {
  const t = await loadTokenizer(smollm, {});
  expect(t.encode('a\ud83d b')).toEqual(t.encode('a\ufffd b'));
});
