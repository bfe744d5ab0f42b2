import { describe, expect, it } from 'vitest';
import tokenizerJson from '../testing/tiny-tokenizer.json';
import { withLegacyFiles } from './legacy-files';
import goldens from './legacy-files.golden.json';
import { loadTokenizer } from './tokenizer';

const MAP = 'special_tokens_map.json';
const ADDED = 'added_tokens.json';
interface Case {
  readonly name: string;
  readonly config: object | null;
  readonly files: Readonly<Record<string, unknown>>;
  readonly ids: readonly number[];
  readonly bos: number | null;
  readonly eos: number | null;
  readonly special: readonly number[];
}
const of = ({ config, files }: Pick<Case, 'config' | 'files'>) =>
  withLegacyFiles(config ?? { tokenizer_class: 'PreTrainedTokenizerFast' }, tokenizerJson, {
    map: files[MAP],
    added: files[ADDED],
  });

describe('special_tokens_map.json and added_tokens.json', () => {
  it.each((goldens.cases as readonly unknown[] as readonly Case[]).map((one) => [one.name, one] as const))(
    '%s: ids, BOS, EOS and special tokens of transformers',
    async (_, one) => {
      const tokenizer = await loadTokenizer(tokenizerJson, of(one).config);
      expect(tokenizer.encode(goldens.text)).toEqual(one.ids);
      expect([tokenizer.bosTokenId ?? null, tokenizer.eosTokenId ?? null]).toEqual([one.bos, one.eos]);
      const all = Array.from({ length: tokenizer.vocabSize }, (_, id) => id);
      expect(all.filter((id) => tokenizer.isSpecial(id))).toEqual(one.special);
    },
  );

  it('say what they change, and what they would have changed', () => {
    const files = { [MAP]: { eos_token: { content: '<pad>' }, unk_token: '<unk>' } };
    const config = { eos_token: '</s>', unk_token: '<unk>' };
    expect(of({ config, files }).notes).toEqual([
      expect.stringMatching(/^eos_token is "<pad>" by special_tokens_map.json, .* says "<\/s>"\.$/),
    ]);
    const decoder = { ...config, added_tokens_decoder: {} };
    expect(of({ config: decoder, files }).notes).toEqual([
      expect.stringMatching(/^special_tokens_map.json is left aside: it differs .* in eos_token,/),
    ]);
    expect(of({ config, files: { [MAP]: config, [ADDED]: {} } }).notes).toEqual([]);
  });

  it('join lists of further special tokens', () => {
    const config = { additional_special_tokens: ['<a>', { content: '<b>' }] };
    const files = { [MAP]: { additional_special_tokens: ['<b>', '<c>'] } };
    expect(of({ config, files }).config).toEqual({
      additional_special_tokens: ['<a>', { content: '<b>' }, '<c>'],
    });
  });

  it.each([
    [{ [MAP]: [] }, 'special_tokens_map.json is []'],
    [{ [ADDED]: 'x' }, 'added_tokens.json is "x"'],
    [{ [ADDED]: { '<a>': '7' } }, 'added_tokens.json: "<a>" has the id "7", expected a whole number'],
  ])('that are something else are refused: %j', (files, message) => {
    expect(() => of({ config: {}, files })).toThrow(message);
  });
});
