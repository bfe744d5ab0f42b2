import { expect, it } from 'vitest';
import type { Decoder } from '../../decode/decoder';
import { DecoderCache } from './decoder-cache';

it('keeps decoders within a bound, dropping the least recently used and never one in use', async () => {
  const gone: string[] = [];
  const made: string[] = [];
  let used: Decoder | undefined;
  const cache = new DecoderCache((decoder) => decoder === used, 100);
  const take = (key: string, bytes = 40): Promise<Decoder> =>
    cache.take(key, async () => {
      made.push(key);
      return { bytes, dispose: async () => void gone.push(key) } as unknown as Decoder;
    });
  const a = await take('a');
  await take('b');
  expect(await take('a')).toBe(a);
  await take('c');
  expect([made, gone]).toEqual([['a', 'b', 'c'], ['b']]);
  used = a;
  await take('d');
  expect(gone).toEqual(['b', 'c']);
  await take('large', 500);
  expect(gone).toEqual(['b', 'c', 'd']);
  expect(await take('a')).toBe(a);
  expect(cache.size).toBe(2);
  await cache.clear();
  expect(gone).toEqual(['b', 'c', 'd', 'large', 'a']);
  expect(cache.size).toBe(0);
});
