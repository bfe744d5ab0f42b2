import { describe, expect, it } from 'vitest';
import { hasFile, readJson } from '../../../scripts/tools/files';
import { FileError, InputError } from '../base/errors';
import { Rng } from '../base/rng';
import { loadTokenizer, type Tokenizer } from './tokenizer';
import golden from './tokenizer.golden.json';

const places = {
  'qwen2.5': 'tokenizers/qwen2.5',
  smollm2: 'tokenizers/smollm2',
  stories260K: 'checkpoints/stories260K',
} as const;
type Name = keyof typeof places;

const loaded = new Map<Name, Promise<Tokenizer>>();
async function read(name: Name): Promise<Tokenizer> {
  const at = places[name];
  const json = (file: string) => readJson<unknown>('shared', `${at}/${file}`);
  return loadTokenizer(await json('tokenizer.json'), await json('tokenizer_config.json'));
}
function load(name: Name): Promise<Tokenizer> {
  const made = loaded.get(name) ?? read(name);
  loaded.set(name, made);
  return made;
}

// A vocabulary small enough to read: characters of "abc ", one merge, two specials.
const tiny = () => ({
  added_tokens: [
    { id: 0, content: '<s>', special: true },
    { id: 6, content: '</s>', special: true },
  ],
  normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
  pre_tokenizer: null,
  post_processor: null,
  decoder: { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
  model: {
    type: 'BPE',
    vocab: { '<s>': 0, a: 1, b: 2, c: 3, '▁': 4, ab: 5 },
    merges: ['a b'],
    unk_token: null,
  } as Record<string, unknown>,
});
const tinyConfig = { bos_token: '<s>', eos_token: { __type: 'AddedToken', content: '</s>' } };

describe('a tiny tokenizer', () => {
  it('encodes, decodes, and knows its special tokens', async () => {
    const t = await loadTokenizer(tiny(), tinyConfig);
    expect(t.encode('abc ab')).toEqual([5, 3, 4, 5]);
    expect(t.encode('<s>ab</s>')).toEqual([0, 5, 6]);
    expect(t.decode([0, 5, 3, 4, 5, 6])).toBe('abc ab');
    expect(t.decode([0, 5, 6], { skipSpecialTokens: false })).toBe('<s>ab</s>');
    expect([t.vocabSize, t.bosTokenId, t.eosTokenId, t.padTokenId]).toEqual([7, 0, 6, 6]);
    // The second call is answered from the cache.
    for (let time = 1; time <= 2; time++)
      expect([0, 4, 5, 7].map(t.tokenText)).toEqual(['<s>', ' ', 'ab', '<id 7>']);
    expect([0, 6, 7, -1].map(t.has)).toEqual([true, true, false, false]);
  });

  it('accepts empty texts and lists', async () => {
    const t = await loadTokenizer(tiny(), tinyConfig);
    expect(t.encode('')).toEqual([]);
    expect(t.decode([])).toBe('');
    expect(t.decode([0, 6])).toBe('');
  });

  it('refuses unknown ids', async () => {
    const t = await loadTokenizer(tiny(), tinyConfig);
    for (const id of [7, -1, 1.5, Number.NaN]) {
      expect(() => t.decode([1, id])).toThrow(InputError);
      expect(() => t.decode([1, id])).toThrow(String(id));
    }
  });

  it('refuses by name what it has no token for', async () => {
    const t = await loadTokenizer(tiny(), tinyConfig);
    expect(() => t.encode('abcd ab')).toThrow('no token for "d"');
    expect(() => t.encode('abcd ab')).toThrow(InputError);
  });
});

describe('a malformed tokenizer', () => {
  const model = (change: Record<string, unknown>) => ({ ...tiny(), model: { ...tiny().model, ...change } });
  const pre = (piece: unknown) => ({ ...tiny(), pre_tokenizer: piece });
  const norm = (piece: unknown) => ({ ...tiny(), normalizer: piece });
  const post = (single: unknown, special_tokens: unknown = {}) => ({
    ...tiny(),
    post_processor: { type: 'TemplateProcessing', single, special_tokens },
  });
  const nested = (depth: number): unknown =>
    depth === 0 ? { type: 'NFC' } : { type: 'Sequence', normalizers: [nested(depth - 1)] };
  const cases: [string, unknown, unknown, RegExp][] = [
    ['null', null, {}, /tokenizer\.json is not a JSON object/],
    ['a list', [], {}, /tokenizer\.json is not a JSON object/],
    ['no config', tiny(), 'x', /tokenizer_config\.json is not/],
    ['no model', { added_tokens: [] }, {}, /no "model"/],
    ['unigram', model({ type: 'Unigram' }), {}, /unsupported model type "Unigram"; supported: BPE/],
    ['vocab a list', model({ vocab: [['a', 0]] }), {}, /no "model\.vocab"/],
    ['empty vocab', model({ vocab: {} }), {}, /empty/],
    ['shared id', model({ vocab: { a: 1, b: 1 } }), {}, /id 1 belongs to both "a" and "b"/],
    ['negative id', model({ vocab: { a: -1 } }), {}, /"a" has id -1/],
    ['huge id', model({ vocab: { a: 1e15 } }), {}, /"a" has id 1000000000000000/],
    ['fractional id', model({ vocab: { a: 0.5 } }), {}, /"a" has id 0\.5/],
    ['no merges', model({ merges: undefined }), {}, /merges/],
    ['bad merge', model({ merges: ['a b', 'abc'] }), {}, /entry 1 of "model\.merges"/],
    ['added not a list', { ...tiny(), added_tokens: {} }, {}, /added_tokens/],
    ['added without content', { ...tiny(), added_tokens: [{ id: 1 }] }, {}, /content/],
    ['unknown normalizer', { ...tiny(), normalizer: { type: 'Nope' } }, {}, /Nope/],
    ['unknown decoder', { ...tiny(), decoder: { type: 'Nope' } }, {}, /Nope/],
    [
      'bad regex',
      {
        ...tiny(),
        pre_tokenizer: { type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated', invert: false },
      },
      {},
      /cannot be used/,
    ],
    [
      'FixedLength 0',
      pre({ type: 'FixedLength', length: 0 }),
      {},
      /length is 0, expected a whole number from 1/,
    ],
    ['FixedLength -1', pre({ type: 'FixedLength', length: -1 }), {}, /length is -1/],
    ['FixedLength without', pre({ type: 'FixedLength' }), {}, /length is missing/],
    ['endless Prepend', norm({ type: 'Prepend', prepend: 'x'.repeat(2e5) }), {}, /prepend is "x+…, expected/],
    ['no Prepend', norm({ type: 'Prepend' }), {}, /prepend is missing/],
    [
      'nested quantifiers',
      norm({ type: 'Replace', pattern: { Regex: '([a-zA-Z ]+[ ▁]?)+#' }, content: '' }),
      {},
      /repeats a group that itself holds repetitions/,
    ],
    [
      'growth',
      norm({
        type: 'Sequence',
        normalizers: Array.from({ length: 9 }, () => ({
          type: 'Replace',
          pattern: { String: 'a' },
          content: 'aa',
        })),
      }),
      {},
      /makes a text more than 256 times longer/,
    ],
    ['a text twice', post([{ Sequence: { id: 'A' } }, { Sequence: { id: 'A' } }]), {}, /"A" once/],
    ['deep pieces', norm(nested(20)), {}, /nests them more than 8 deep/],
    [
      'null in a sequence',
      { ...tiny(), decoder: { type: 'Sequence', decoders: [null] } },
      {},
      /decoders\[0\] is null/,
    ],
    [
      'a template of unknown tokens',
      post([{ SpecialToken: { id: '<x>' } }, { Sequence: { id: 'A' } }]),
      {},
      /no entry for "<x>"/,
    ],
    [
      'an id without a token',
      post([{ SpecialToken: { id: 'x' } }, { Sequence: { id: 'A' } }], { x: { ids: [99] } }),
      {},
      /adds id 99/,
    ],
    [
      'a merge of unknown tokens',
      model({ merges: ['a b', 'b c'] }),
      {},
      /entry 1 of "model\.merges" needs "bc"/,
    ],
    ['dropout', model({ dropout: 0.1 }), {}, /dropout is 0\.1/],
    ['a prefix', model({ continuing_subword_prefix: '##' }), {}, /continuing_subword_prefix is "##"/],
    [
      'a split without behaviour',
      pre({ type: 'Split', pattern: { String: 'a' }, invert: false }),
      {},
      /behavior is missing/,
    ],
    [
      'a charsmap',
      norm({ type: 'Precompiled', precompiled_charsmap: 'AA' }),
      {},
      /has type "Precompiled"; supported/,
    ],
    [
      'a contradiction',
      pre({ type: 'Metaspace', replacement: '▁', add_prefix_space: false }),
      {},
      /add_prefix_space is false, but prepend_scheme is "always"/,
    ],
    [
      'a hole before an added token',
      model({ vocab: { a: 0, b: 3, ab: 1 } }),
      {},
      /ids of the vocabulary are missing/,
    ],
    [
      'a flag',
      { ...tiny(), added_tokens: [{ id: 0, content: '<s>', lstrip: 1 }] },
      {},
      /lstrip is 1, expected true or false/,
    ],
    [
      'added tokens of the configuration',
      tiny(),
      { added_tokens_decoder: { 7: {} } },
      /added_tokens_decoder" has no "content"/,
    ],
    ['add_bos_token', tiny(), { add_bos_token: 'yes' }, /add_bos_token is "yes"/],
    ['a name of an object', norm({ type: 'constructor' }), {}, /has type "constructor"/],
    ['a long token', model({ vocab: { ['a'.repeat(5000)]: 0 } }), {}, /has 5000 characters/],
    ['a long suffix', model({ end_of_word_suffix: 'a'.repeat(65) }), {}, /end_of_word_suffix/],
    ['number as bos', tiny(), { bos_token: 3 }, /bos_token is 3, expected a text or null/],
  ];
  it.each(cases)('%s', async (_name, tokenizer, config, message) => {
    const error = await loadTokenizer(tokenizer, config).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(FileError);
    expect((error as FileError).message).toMatch(message);
    expect((error as FileError).hint).toBeTruthy();
  });
});

// Ids of the reference implementation: scripts/goldens/tokenizer/reference.py.
for (const name of Object.keys(places) as Name[]) {
  describe.skipIf(!(await hasFile('shared', `${places[name]}/tokenizer.json`)))(name, () => {
    it('gives the ids and texts of the reference', async () => {
      const t = await load(name);
      const { vocabSize } = await loadTokenizer(
        await readJson('shared', `${places[name]}/tokenizer.json`),
        {},
      );
      expect(vocabSize).toBe(golden[name].vocabSize);
      for (const [i, text] of golden.texts.entries()) {
        const row = golden[name].rows[i];
        expect.soft(t.encode(text), text).toEqual(row?.ids);
        expect.soft(t.decode(row?.ids ?? []), text).toBe(row?.text);
      }
    });

    it('decodes any text back to itself', async () => {
      const t = await load(name);
      const rng = new Rng(5);
      const ranges: [number, number][] = [
        [32, 126],
        [32, 126],
        [9, 10],
        [0xa1, 0x17f],
        [0x400, 0x4ff],
        [0x4e00, 0x9fff],
        [0x1f300, 0x1f64f],
      ];
      const codePoint = (from: Rng): number => from.integer(...from.pick(ranges));
      for (let n = 0; n < 200; n++) {
        let text = '';
        for (let i = rng.integer(1, 40); i > 0; i--) text += String.fromCodePoint(codePoint(rng));
        text = text.normalize('NFC'); // Qwen2 normalises
        expect(t.decode(t.encode(text))).toBe(text);
      }
    });

    it('shows the tokens of a text as its parts', async () => {
      const t = await load(name);
      const text = 'The cat sat.\nIt had 12 hats';
      const ids = t.encode(text, { addSpecialTokens: false });
      const parts = ids.map(t.tokenText);
      expect(parts.join('').trimStart()).toBe(text);
      expect(parts.filter((part) => part.startsWith(' ')).length).toBeGreaterThan(4);
      for (const id of t.encode('🦄', { addSpecialTokens: false }))
        expect(t.tokenText(id)).toMatch(/^( |🦄|(<0x[0-9A-F]{2}>)+)$/);
    });
  });
}

const reference = 'checkpoints/stories260K/reference.json';
it.skipIf(!(await hasFile('shared', reference)))(
  'stories260K reference ids decode to a story and encode back',
  async () => {
    const { ids } = await readJson<{ ids: number[] }>('shared', reference);
    const t = await load('stories260K');
    const text = t.decode(ids);
    expect(text).toMatch(/^Once upon a time/);
    expect(t.encode(text)).toEqual(ids);
  },
);
