import { expect, it } from 'vitest';
import { loadTokenizer } from './tokenizer';

it('works in the browser and contacts no other server', async () => {
  const tokenizer = {
    added_tokens: [{ id: 6, content: '</s>', special: true }],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 2, Â: 3, Ġ: 4, '½': 5 }, merges: [['a', 'b']] },
  };
  const t = await loadTokenizer(tokenizer, { eos_token: '</s>' });
  expect(t.encode('ab a</s>')).toEqual([2, 4, 0, 6]);
  expect(t.decode([2, 4, 0, 3, 5, 6])).toBe('ab a½');
  expect([6, 4, 3].map(t.tokenText)).toEqual(['</s>', ' ', '<0xC2>']);
  const others = performance
    .getEntriesByType('resource')
    .filter((entry) => new URL(entry.name).origin !== location.origin);
  expect(others.map((entry) => entry.name)).toEqual([]);
});
