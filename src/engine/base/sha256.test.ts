import { describe, expect, it, vi } from 'vitest';
import { Rng } from './rng';
import { Sha256, sha256Hex } from './sha256';

const rng = new Rng(7);
const bytes = (length: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, () => rng.integer(0, 255));

describe('incremental SHA-256', () => {
  it('agrees with the standard', () => {
    const abc = new TextEncoder().encode('abc');
    expect(new Sha256().update(abc).hex()).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it.each([0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 1000, 65_537])(
    'agrees with the browser for %i bytes, in one piece and in several',
    async (length) => {
      const data = bytes(length);
      const expected = await sha256Hex(data);
      expect(new Sha256().update(data).hex()).toBe(expected);
      const pieces = new Sha256();
      for (let at = 0, piece = 1; at < length; at += piece, piece = (piece * 3) % 131)
        pieces.update(data.subarray(at, at + piece));
      expect(pieces.hex()).toBe(expected);
    },
  );

  it('is the same without the browser’s own, as over plain http', async () => {
    const data = bytes(300);
    const expected = await sha256Hex(data);
    vi.stubGlobal('crypto', { getRandomValues: () => {} });
    try {
      expect(await sha256Hex(data)).toBe(expected);
      expect(await sha256Hex(data.buffer)).toBe(expected);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('reads a view of a buffer as that view', async () => {
    const data = bytes(300);
    expect(new Sha256().update(data.subarray(7, 200)).hex()).toBe(await sha256Hex(data.slice(7, 200)));
  });
});
