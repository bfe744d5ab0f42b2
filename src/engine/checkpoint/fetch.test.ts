import { describe, expect, it } from 'vitest';
import { CancelledError, FileError } from '../base/errors';
import { sha256Hex } from '../base/sha256';
import { fetchFile, verifySha256 } from './fetch';

// SHA-256 of "abc" and of nothing: FIPS 180-4 examples.
const abc = new TextEncoder().encode('abc');
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** A server that sends `chunks`, one per pull. */
const serve =
  (chunks: readonly Uint8Array[], init: ResponseInit = {}): typeof fetch =>
  async () => {
    let next = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const chunk = chunks[next++];
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
    });
    return new Response(body as BodyInit, init);
  };
const letters = [abc.subarray(0, 1), abc.subarray(1, 1), abc.subarray(1)];

describe('fetchFile', () => {
  it('joins the chunks, checks length and hash, and reports progress', async () => {
    const seen: [number, number | undefined][] = [];
    const file = await fetchFile('m/x', {
      fetch: serve(letters),
      bytes: 3,
      sha256: ABC.toUpperCase(),
      onProgress: (received, total) => seen.push([received, total]),
    });
    expect([...new Uint8Array(file)]).toEqual([...abc]);
    expect(seen).toEqual([
      [0, 3],
      [1, 3],
      [1, 3],
      [3, 3],
    ]);
  });

  it('takes the total from Content-Length, except for a compressed body', async () => {
    const totals = async (headers: Record<string, string>) => {
      const seen = new Set<number | undefined>();
      await fetchFile('x', { fetch: serve(letters, { headers }), onProgress: (_, total) => seen.add(total) });
      return [...seen];
    };
    expect(await totals({ 'content-length': '3' })).toEqual([3]);
    expect(await totals({ 'content-length': '2', 'content-encoding': 'gzip' })).toEqual([undefined]);
    expect(await totals({})).toEqual([undefined]);
  });

  it('gives up on a server that falls silent before or during its response', async () => {
    const silent: typeof fetch = (_url, init) =>
      new Promise((_, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)));
    const halfway: typeof fetch = async (_url, init) =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(abc);
            init?.signal?.addEventListener('abort', () => controller.error(init.signal?.reason));
          },
        }),
      );
    for (const fetch of [silent, halfway])
      await expect(fetchFile('m/x', { fetch, stall: 20 })).rejects.toMatchObject({
        name: 'FileError',
        message: 'm/x: no data for 0.02 s',
        hint: expect.stringContaining('connection'),
      });
  });

  const failures: [string, Parameters<typeof fetchFile>[1], RegExp][] = [
    [
      '404',
      { fetch: serve([], { status: 404, statusText: 'Not Found' }) },
      /^m\/x: the server answered 404 Not Found$/,
    ],
    [
      'shorter than announced',
      { fetch: serve(letters, { headers: { 'content-length': '900' } }) },
      /3 bytes arrived, expected 900/,
    ],
    ['shorter than known', { fetch: serve(letters), bytes: 4 }, /3 bytes arrived, expected 4/],
    ['longer than known', { fetch: serve(letters), bytes: 2 }, /more than 2 bytes arrived, expected 2/],
    [
      'another file',
      { fetch: serve(letters), sha256: NOTHING },
      new RegExp(`SHA-256 is ${ABC}, expected ${NOTHING}`),
    ],
    [
      'a hash that is none',
      { fetch: serve(letters), sha256: 'abc' },
      /SHA-256 to compare with is "abc", expected 64/,
    ],
    [
      'no connection',
      { fetch: () => Promise.reject(new TypeError('Failed to fetch')) },
      /could not be loaded \(Failed to fetch\)/,
    ],
  ];
  it.each(failures)('refuses: %s', async (_name, options, message) => {
    const error = await fetchFile('m/x', options).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(FileError);
    expect((error as FileError).message).toMatch(message);
  });

  it('stops reading a body that never ends', async () => {
    let sent = 0;
    const endless: typeof fetch = async () =>
      new Response(
        new ReadableStream<Uint8Array>({
          pull: (controller) => {
            sent++;
            controller.enqueue(new Uint8Array(10));
          },
        }) as BodyInit,
      );
    await expect(fetchFile('x', { fetch: endless, bytes: 25 })).rejects.toThrow('more than 25 bytes');
    expect(sent).toBeLessThan(6);
  });

  it('can be cancelled before and during a download', async () => {
    const stop = new AbortController();
    const during = fetchFile('x', {
      fetch: serve(letters),
      signal: stop.signal,
      onProgress: (n) => n > 0 && stop.abort(),
    });
    await expect(during).rejects.toThrow(CancelledError);
    await expect(fetchFile('x', { fetch: serve(letters), signal: stop.signal })).rejects.toThrow(
      CancelledError,
    );
  });
});

describe('verifySha256', () => {
  it('agrees with the published examples', async () => {
    expect(await sha256Hex(abc)).toBe(ABC);
    expect(await sha256Hex(new ArrayBuffer(0))).toBe(NOTHING);
    await expect(verifySha256(abc, NOTHING, 'f')).rejects.toThrow(`f: SHA-256 is ${ABC}`);
    await verifySha256(abc, ABC);
  });
});
