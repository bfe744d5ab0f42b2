import { afterEach, describe, expect, it, vi } from 'vitest';
import { LoadError } from '../base/errors';
import { startOrt } from './start';

afterEach(() => vi.unstubAllGlobals());

const paths = { mjs: 'https://host/a/ort.js', wasm: 'https://host/a/ort.wasm' };
const refusing = {
  InferenceSession: { create: () => Promise.reject(new Error('no available backend found')) },
} as unknown as Parameters<typeof startOrt>[0];

/** The error if the host gives these answers. */
async function said(answer: (url: string) => Response): Promise<LoadError> {
  vi.stubGlobal('fetch', async (url: string) => answer(url));
  const error = await startOrt(refusing, paths).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(LoadError);
  return error as LoadError;
}
const ok = (type: string) => new Response('', { headers: { 'content-type': type } });

describe('a runtime that cannot be loaded', () => {
  it('names the missing file', async () => {
    const error = await said((url) =>
      url.endsWith('.wasm') ? new Response('', { status: 404 }) : ok('text/javascript'),
    );
    expect(error.message).toContain('the host answered 404 for ort.wasm');
    expect(error.hint).toContain('a new version');
  });

  it('names a wrong content type, and the right one', async () => {
    const error = await said(() => ok('application/octet-stream'));
    expect(error.message).toContain('the host sends ort.js as application/octet-stream');
    expect(error.hint).toContain('text/javascript');
  });

  it('reports that there is no connection', async () => {
    const error = await said(() => {
      throw new TypeError('Failed to fetch');
    });
    expect(error.message).toContain('ort.js could not be fetched (Failed to fetch)');
    expect(error.hint).toContain('connection');
  });

  it('gives the runtime’s own reason if the host serves everything right', async () => {
    const error = await said(() => ok('text/javascript'));
    expect(error.message).toBe(
      'the inference runtime could not be loaded: it did not start: no available backend found',
    );
  });
});
