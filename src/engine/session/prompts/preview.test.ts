import { describe, expect, it } from 'vitest';
import type { TokenPreviewRequest } from '../../../contract/tokens';
import sentencepiece from '../../tokenizer/testing/sentencepiece.json';
import { loadTokenizer } from '../../tokenizer/tokenizer';
import type { LoadedModel } from '../models/pair';
import type { LoadedModels } from '../models/subjects';
import { previewTokens } from './preview';

const opened = async (change: object = {}, config: object = {}, maxPositions = 16): Promise<LoadedModels> => {
  const tokenizer = await loadTokenizer({ ...sentencepiece, ...change }, config);
  const model = {
    config: { maxPositions, vocabSize: tokenizer.vocabSize },
    endIds: [],
    report: { name: 'tiny' },
  } as unknown as LoadedModel;
  return { checkpoints: new Map(), opened: { model, tokenizer } };
};
const request = (texts: readonly string[], more: Partial<TokenPreviewRequest> = {}): TokenPreviewRequest => ({
  subject: { kind: 'opened' },
  texts,
  reading: 'text',
  ...more,
});

describe('the preview of a text', () => {
  it('lists what is fed, token by token, including what the tokenizer puts in front', async () => {
    const loaded = await opened();
    const { texts, positions, templates } = previewTokens(request(['the 数']), loaded);
    expect([positions, templates]).toEqual([16, []]);
    expect(texts[0]).toMatchObject({ text: 'the 数', unknown: [], refused: null });
    const tokens = texts[0]?.tokens ?? [];
    expect(tokens[0]).toEqual({ id: 1, text: '<s>', special: true });
    expect(
      tokens
        .slice(1, -3)
        .map(({ text }) => text)
        .join('')
        .trim(),
    ).toBe('the');
    expect(tokens.slice(-3)).toEqual([
      { id: 3 + 0xe6, text: '<0xE6>', special: false, bytes: [0xe6] },
      { id: 3 + 0x95, text: '<0x95>', special: false, bytes: [0x95] },
      { id: 3 + 0xb0, text: '<0xB0>', special: false, bytes: [0xb0] },
    ]);
    expect(tokens.map(({ id }) => id)).toEqual(loaded.opened?.tokenizer.encode('the 数'));
  });

  it('names the words unknown to the model, each once', async () => {
    const loaded = await opened({ model: { ...sentencepiece.model, byte_fallback: false } });
    const [text] = previewTokens(request(['one 数学 a 数学 ½']), loaded).texts;
    expect(text?.unknown).toEqual(['数学', '½']);
    expect(text?.tokens.filter(({ unknown }) => unknown !== undefined)).toHaveLength(3);
    expect(text?.tokens.find(({ unknown }) => unknown !== undefined)).toMatchObject({
      id: 0,
      text: '<unk>',
      special: true,
      unknown: '数学',
    });
  });

  it('reports beside a text why it cannot be run, and reads the others', async () => {
    const loaded = await opened({ post_processor: null }, {}, 4);
    const { texts } = previewTokens(request(['', 'a b c d e f', 'a']), loaded);
    expect(texts.map(({ refused }) => refused?.message)).toEqual([
      'the text has no tokens',
      expect.stringMatching(/^the text takes \d+ positions; tiny has 4/),
      undefined,
    ]);
    expect(texts[1]?.count).toBeGreaterThan(4);
  });

  it('collapses the white space in a question', async () => {
    const loaded = await opened();
    const { texts } = previewTokens(request([' a\n  b '], { reading: 'question' }), loaded);
    expect(texts[0]?.text).toBe('a b');
  });

  it('shows the message within a chat template, without a second BOS', async () => {
    const loaded = await opened(
      {},
      { chat_template: '{{ bos_token }}[{{ messages[0].content }}]', bos_token: '<s>' },
    );
    const { texts, templates } = previewTokens(request(['ab'], { template: 'default' }), loaded);
    expect(templates).toEqual(['default']);
    expect(texts[0]?.text).toBe('<s>[ab]');
    expect(texts[0]?.tokens.filter(({ id }) => id === 1)).toHaveLength(1);
    const bad = previewTokens(request(['ab'], { template: 'rag' }), loaded).texts[0];
    expect(bad).toMatchObject({
      count: 0,
      refused: { message: 'there is no chat template "rag"; there are "default"' },
    });
    const none = previewTokens(request(['ab'], { template: 'default' }), await opened()).texts[0];
    expect(none?.refused).toEqual({ message: 'the model has no chat template', hint: 'Use the plain text.' });
  });

  it('refuses an impossible request, and a missing subject', async () => {
    const loaded = await opened();
    expect(() => previewTokens(request([]), loaded)).toThrow('texts');
    expect(() => previewTokens({ ...request(['a']), reading: 'x' } as never, loaded)).toThrow('reading');
    expect(() => previewTokens(request(['a'], { subject: { kind: 'teacher' } }), loaded)).toThrow(
      'no models are loaded',
    );
  });
});
