import { expect, it } from 'vitest';
import { loadTokenizer } from './tokenizer';

// The page's build of transformers.js is another file than Node's, and only it reaches for a public server.
it('works in the browser and asks no other server for anything', async () => {
  const tokenizer = {
    added_tokens: [{ id: 3, content: '</s>', special: true }],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 2, Ġ: 4, '½': 5, Â: 6 }, merges: [['a', 'b']] },
  };
  const t = await loadTokenizer(tokenizer, { eos_token: '</s>' });
  expect(t.encode('ab a</s>')).toEqual([2, 4, 0, 3]);
  expect(t.decode([2, 4, 0, 6, 5, 3])).toBe('ab a½');
  expect([3, 4, 6].map(t.tokenText)).toEqual(['</s>', ' ', '<0xC2>']);
  // The settings of onnxruntime-web, which the runtime shares, were neither read nor changed.
  const { env } = await import('@huggingface/transformers');
  expect(env.backends.onnx).not.toHaveProperty('wasm');
  expect([env.allowRemoteModels, env.allowLocalModels]).toEqual([false, false]);
  expect(Symbol.for('onnxruntime') in globalThis).toBe(false);
  const others = performance
    .getEntriesByType('resource')
    .filter((entry) => new URL(entry.name).origin !== location.origin);
  expect(others.map((entry) => entry.name)).toEqual([]);
});
