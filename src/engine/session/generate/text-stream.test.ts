import { beforeAll, describe, expect, it } from 'vitest';
import { readJson } from '../../../../scripts/tools/files';
import { MIN_TEMPERATURE } from '../../../contract/generate';
import { MIN_TEMPERATURE as LEAST } from '../../decode/draw';
import { loadTokenizer, type Tokenizer } from '../../tokenizer/tokenizer';
import { TextStream } from './text-stream';

/** GPT-2's stand-ins for the 256 bytes. */
function byteCharacters(): string[] {
  const out: string[] = [];
  let next = 256;
  for (let b = 0; b < 256; b++) {
    const visible = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    out.push(String.fromCharCode(visible ? b : next++));
  }
  return out;
}

/** One token per byte: byte-level BPE without merges. */
const byteLevel = (): Promise<Tokenizer> =>
  loadTokenizer(
    {
      added_tokens: [{ id: 256, content: '<|end|>', special: true }],
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      post_processor: null,
      decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
      model: {
        type: 'BPE',
        vocab: Object.fromEntries(byteCharacters().map((c, b) => [c, b])),
        merges: [],
      },
    },
    {},
  );

/** Words and spaces as in SentencePiece, everything else as bytes. */
const byteFallback = (): Promise<Tokenizer> =>
  loadTokenizer(
    {
      added_tokens: [{ id: 0, content: '<unk>', special: true }],
      normalizer: {
        type: 'Sequence',
        normalizers: [
          { type: 'Prepend', prepend: '▁' },
          { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
        ],
      },
      pre_tokenizer: null,
      post_processor: null,
      decoder: {
        type: 'Sequence',
        decoders: [
          { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
          { type: 'ByteFallback' },
          { type: 'Fuse' },
          { type: 'Strip', content: ' ', start: 1, stop: 0 },
        ],
      },
      model: {
        type: 'BPE',
        unk_token: '<unk>',
        byte_fallback: true,
        vocab: {
          '<unk>': 0,
          ...Object.fromEntries(
            Array.from({ length: 256 }, (_, b) => [
              `<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`,
              b + 1,
            ]),
          ),
          ...Object.fromEntries(Array.from('▁abcdef', (c, i) => [c, 257 + i])),
        },
        merges: [],
      },
    },
    {},
  );

const TEXT = 'a 😀😀 bé 漢字 c';

it('a form allows the temperatures that the engine draws at', () => {
  expect(MIN_TEMPERATURE).toBe(LEAST);
});

describe.each([
  ['byte-level BPE', byteLevel],
  ['byte fallback', byteFallback],
] as const)('the pieces of %s', (_, load) => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await load();
  });
  const pieces = (ids: readonly number[], stops: readonly string[] = [], prompt: readonly number[] = []) => {
    const stream = new TextStream(tokenizer, prompt, stops);
    const out: string[] = [];
    for (const id of ids) {
      out.push(stream.push(id));
      if (stream.stopped) break;
    }
    if (!stream.stopped) out.push(stream.end());
    expect(out.join('')).toBe(stream.text);
    return out;
  };

  it('are whole characters, released as soon as they are complete, and make up the text', () => {
    const prompt = tokenizer.encode('ab');
    const ids = tokenizer.encode(`ab${TEXT}`).slice(prompt.length);
    const out = pieces(ids, [], prompt);
    expect(out.join('')).toBe(TEXT);
    expect(out.filter((piece) => piece !== '')).toEqual(Array.from(TEXT));
    // Each character is released at its last byte: nothing waits longer than it must.
    const bytes = Array.from(TEXT, (c) => new TextEncoder().encode(c).length);
    const ends = bytes.map((_, i) => bytes.slice(0, i + 1).reduce((a, b) => a + b) - 1);
    expect(out.flatMap((piece, i) => (piece === '' ? [] : [i]))).toEqual(ends);
  });

  it('keep a leading space, since text precedes them', () => {
    const prompt = tokenizer.encode('ab');
    const ids = tokenizer.encode('ab cd').slice(prompt.length);
    expect(pieces(ids, [], prompt).join('')).toBe(' cd');
  });

  it('are released in the end even if a character never becomes complete', () => {
    const [first, second] = tokenizer.encode('漢').slice(-3) as [number, number];
    const letter = tokenizer.encode('a').at(-1) as number;
    expect(pieces([letter, first, second])).toEqual([
      expect.any(String),
      '',
      '',
      expect.stringContaining('\ufffd'),
    ]);
    const broken = pieces([letter, ...new Array(40).fill(first), letter]);
    expect(broken.join('').startsWith('a')).toBe(true);
    expect(broken.findIndex((piece) => piece.includes('\ufffd'))).toBeLessThan(12);
  });

  it('end before a stop string, and are held back while they may be its beginning', () => {
    const ids = tokenizer.encode('abcabdcab');
    expect(pieces(ids, ['abd']).join('').trim()).toBe('abc');
    expect(pieces(ids, ['xyz', 'abcd', 'dc']).join('').trim()).toBe('abcab');
    // Held-back text is released if no stop string follows.
    expect(pieces(ids, ['abf']).join('').trim()).toBe('abcabdcab');
    expect(pieces(ids, ['😀']).join('').trim()).toBe('abcabdcab');
    expect(pieces(tokenizer.encode(TEXT), ['é']).join('').trim()).toBe('a 😀😀 b');
  });

  it('end at a special token that is among the stop strings, with the text that was held back', () => {
    const special = tokenizer.has(256) && tokenizer.isSpecial(256) ? 256 : 0;
    const ids = tokenizer.encode('abcab');
    const stop = tokenizer.tokenText(special);
    expect(
      pieces([...ids, special, ...ids], ['abd', stop])
        .join('')
        .trim(),
    ).toBe('abcab');
    // Another one is no text, and ends nothing.
    const both = pieces([...ids, special, ...ids], ['abd']).join('');
    expect(both.replaceAll(' ', '')).toContain('abcababcab');
  });

  it('leave out ids that are not in the vocabulary', () => {
    const ids = tokenizer.encode('ab');
    expect(
      pieces([...ids, 5000, ...ids.slice(-1)])
        .join('')
        .trim(),
    ).toBe('abb');
  });
});

it('are those of the whole text for the bundled pair’s steps, whose blanks are dropped', async () => {
  const [tokens, config] = await Promise.all(
    ['tokenizer.json', 'tokenizer_config.json'].map((name) => readJson('models', `base/${name}`)),
  );
  const bundled = await loadTokenizer(tokens, config);
  const steps = '<<12+3=15>> <<15*2=30>> <<30-4=26>> <<26/2=13>>';
  const prompt = bundled.encode('How many apples does Tom have now?');
  const stream = new TextStream(bundled, prompt, []);
  const text = bundled.encode(steps).map((id) => stream.push(id));
  expect([...text, stream.end()].join('')).toBe(` ${steps}`);
});
