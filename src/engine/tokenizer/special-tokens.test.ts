import { describe, expect, it } from 'vitest';
import sentencepiece from './testing/sentencepiece.json';
import smollm from './testing/smollm-cut.json';
import { loadTokenizer } from './tokenizer';

const named = { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' };
const without = { ...sentencepiece, post_processor: null };
const llama = { ...named, tokenizer_class: 'LlamaTokenizer' };

/** The special ids before and after the text `a`, and the notes. */
async function around(file: unknown, config: object) {
  const t = await loadTokenizer(file, config);
  const text = t.encode('a', { addSpecialTokens: false });
  const all = t.encode('a');
  const at = all.indexOf(text[0] as number);
  return { before: all.slice(0, at), after: all.slice(at + text.length), notes: t.notes };
}

describe('BOS and EOS of a LLaMA tokenizer, from tokenizer_config.json', () => {
  it.each([
    [{}, [1], []],
    [{ add_bos_token: true, add_eos_token: false }, [1], []],
    [{ add_bos_token: false }, [], []],
    [{ add_eos_token: true }, [1], [2]],
    [{ add_bos_token: false, add_eos_token: true }, [], [2]],
  ])('%j', async (flags, before, after) => {
    for (const file of [sentencepiece, without])
      expect(await around(file, { ...llama, ...flags })).toMatchObject({ before, after });
  });

  it('reports where that differs from tokenizer.json', async () => {
    expect((await around(sentencepiece, { ...llama, add_bos_token: true })).notes).toEqual([]);
    expect((await around(without, llama)).notes).toEqual([expect.stringContaining('A text gets BOS, as')]);
    expect((await around(sentencepiece, { ...llama, add_eos_token: true })).notes).toEqual([
      'A text gets BOS and EOS, as LlamaTokenizer does by tokenizer_config.json; by tokenizer.json it would get BOS.',
    ]);
  });

  it('adds the usual token where none is named and the vocabulary has it', async () => {
    const fast = { tokenizer_class: 'LlamaTokenizerFast' };
    expect(await around(without, fast)).toMatchObject({ before: [1], after: [] });
    expect((await loadTokenizer(without, fast)).bosTokenId).toBe(1);
    expect(await around(smollm, fast)).toEqual({ before: [], after: [], notes: [] });
  });

  it('adds none that is said not to be there, whatever tokenizer.json adds', async () => {
    const none = { ...llama, bos_token: null, add_bos_token: false };
    expect(await around(sentencepiece, none)).toEqual({
      before: [],
      after: [],
      notes: [
        'A text gets neither BOS nor EOS, as LlamaTokenizer does by tokenizer_config.json; by tokenizer.json it would get other tokens.',
      ],
    });
    expect(await around(without, { ...none, add_bos_token: true })).toMatchObject({ before: [] });
  });
});

describe('BOS and EOS of any other tokenizer, from tokenizer.json', () => {
  it('follows the post-processor, and reports where the configuration differs', async () => {
    const fast = { ...named, tokenizer_class: 'PreTrainedTokenizerFast' };
    expect(await around(sentencepiece, fast)).toEqual({ before: [1], after: [], notes: [] });
    expect(await around(without, fast)).toEqual({ before: [], after: [], notes: [] });
    const asked = await around(without, { ...fast, add_bos_token: true });
    expect(asked).toMatchObject({ before: [], after: [] });
    expect(asked.notes).toEqual([
      expect.stringContaining('sets add_bos_token to true, but tokenizer.json does not'),
    ]);
    const refused = await around(sentencepiece, { ...fast, add_bos_token: false });
    expect(refused.before).toEqual([1]);
    expect(refused.notes).toEqual([
      expect.stringContaining('sets add_bos_token to false, but tokenizer.json adds BOS'),
    ]);
  });

  it("GPT-2's adds none", async () => {
    const file = {
      ...smollm,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      post_processor: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true },
    };
    const end = '<|endoftext|>';
    const config = { bos_token: end, eos_token: end, unk_token: end, tokenizer_class: 'GPT2Tokenizer' };
    const t = await loadTokenizer(file, config);
    expect(await around(file, config)).toEqual({ before: [], after: [], notes: [] });
    expect([t.bosTokenId, t.eosTokenId, t.padTokenId]).toEqual([0, 0, 0]);
    const spaced = await loadTokenizer(file, { ...config, add_prefix_space: true });
    expect(spaced.encode('a')).toEqual(t.encode(' a'));
    expect(spaced.notes).toEqual([expect.stringContaining('a space in front')]);
  });
});

it('the usual tokens of a class are those that are not named, where the vocabulary has them', async () => {
  const ends = async (config: object) => {
    const { bosTokenId, eosTokenId } = await loadTokenizer(smollm, config);
    return [bosTokenId, eosTokenId];
  };
  expect(await ends({ tokenizer_class: 'GPT2Tokenizer' })).toEqual([0, 0]);
  expect(await ends({ tokenizer_class: 'Qwen2TokenizerFast', eos_token: '<|im_end|>' })).toEqual([
    undefined,
    2,
  ]);
  expect(await ends({ tokenizer_class: 'Qwen2Tokenizer', eos_token: null })).toEqual([undefined, undefined]);
  expect(await ends({ tokenizer_class: 'LlamaTokenizer' })).toEqual([undefined, undefined]);
});

it('a space in front of a text is what tokenizer_config.json says, by default none, unless its class leaves the file', async () => {
  const spaced = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true };
  const file = { ...smollm, pre_tokenizer: spaced };
  const isSpaced = async (config: object) => {
    const t = await loadTokenizer(file, config);
    return { spaced: t.encode('a')[0] === t.encode(' a')[0], notes: t.notes };
  };
  const kept = { spaced: true, notes: [] };
  for (const name of ['GPT2Tokenizer', 'PreTrainedTokenizerFast']) {
    const config = { tokenizer_class: name };
    expect(await isSpaced({ ...config, add_prefix_space: true })).toEqual(kept);
    expect(await isSpaced(config)).toEqual({
      spaced: false,
      notes: [
        'A text gets no space in front, as transformers has it where tokenizer_config.json asks for none, although tokenizer.json differs.',
      ],
    });
  }
  expect(await isSpaced({ tokenizer_class: 'TokenizersBackend', add_prefix_space: false })).toEqual(kept);
  expect(await isSpaced({})).toEqual(kept);
});

it('reports where the space in front of a text is not what the configuration of LLaMA says', async () => {
  const notes = async (add_prefix_space: boolean | null, file: object = sentencepiece) =>
    (await loadTokenizer(file, { ...llama, add_prefix_space })).notes;
  expect(await notes(false)).toEqual([
    'tokenizer_config.json sets add_prefix_space to false, but tokenizer.json puts a space in front of a text, and is followed; LlamaTokenizer of transformers may follow the other.',
  ]);
  expect([...(await notes(true)), ...(await notes(null))]).toEqual([]);
  expect(await notes(true, { ...sentencepiece, normalizer: null })).toEqual([
    expect.stringContaining('puts no space in front'),
  ]);
});

describe('tokens of tokenizer_config.json', () => {
  const size = Object.keys(smollm.model.vocab).length;

  it('are added after those of tokenizer.json, the listed ones before the named ones', async () => {
    const t = await loadTokenizer(smollm, {
      added_tokens_decoder: { [size]: { content: '<a>', special: true } },
      pad_token: '<pad>',
      additional_special_tokens: ['<b>', '<a>'],
      extra_special_tokens: { image_token: '<img>' },
    });
    expect(t.encode('<a><pad><b><img>')).toEqual([size, size + 1, size + 2, size + 3]);
    expect(t.padTokenId).toBe(size + 1);
    expect([size, size + 1, size + 3].map(t.isSpecial)).toEqual([true, true, true]);
    expect(t.vocabSize).toBe(size + 4);
    expect(t.notes).toEqual([]);
  });

  it('replace the flags of tokenizer.json', async () => {
    const end = smollm.added_tokens[0]?.content as string;
    const t = await loadTokenizer(smollm, {
      added_tokens_decoder: { 0: { content: end, special: true, lstrip: true } },
    });
    const plain = await loadTokenizer(smollm, {});
    expect(t.encode(`a  ${end}`)).toEqual([...t.encode('a'), 0]);
    expect(plain.encode(`a  ${end}`).length).toBeGreaterThan(t.encode(`a  ${end}`).length);
  });

  it('count as text when written out in a text, if the configuration says so', async () => {
    const end = '<|endoftext|>';
    const t = await loadTokenizer(smollm, { split_special_tokens: true });
    expect(t.encode(end)).not.toContain(0);
    expect(t.decode(t.encode(end))).toBe(end);
  });

  it('are numbered as in the reference implementation, with a note', async () => {
    const t = await loadTokenizer(smollm, {
      added_tokens_decoder: { 9999: { content: '<far>', special: true } },
    });
    expect(t.encode('<far>')).toEqual([size]);
    expect(t.notes).toEqual([expect.stringContaining(`"<far>" (${size}, not 9999)`)]);
  });
});

describe('unknown words', () => {
  const bytes = { ...sentencepiece.model, byte_fallback: false };
  it('are reported, each token with its word', async () => {
    const t = await loadTokenizer({ ...sentencepiece, model: bytes }, {});
    const named = t.tokens('one 数学 and 学a two').flatMap(({ unknown }) => unknown ?? []);
    expect(named).toEqual(['数学', '学a']);
    expect(t.tokens('one two').some(({ unknown }) => unknown !== undefined)).toBe(false);
  });
});
