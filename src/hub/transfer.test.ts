import { describe, expect, it } from 'vitest';
import { fellShort } from '../storage/errors';
import {
  type Answer,
  type Asked,
  content,
  fakeFetch,
  listedFile,
  MemoryPart,
  SHORT,
  serve,
} from './fake-hub.testing';
import type { Waiting } from './request';
import { transfer } from './transfer';

const BYTES = content(10_000);
const FILE = listedFile('model.safetensors', BYTES);
const BASE = 'https://huggingface.co';

interface Given {
  readonly part?: MemoryPart;
  readonly file?: typeof FILE;
  readonly base?: string;
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

async function run(answers: ((asked: Asked) => Answer)[], given: Given = {}) {
  const { fetch, asked } = fakeFetch(...answers);
  const { part = new MemoryPart(), base = BASE } = given;
  const waits: Waiting[] = [];
  const proof = transfer(given.file ?? FILE, part, {
    base,
    url: `${base}/org/name/resolve/main/model.safetensors`,
    token: 'hf_secret',
    limits: SHORT,
    signal: given.signal ?? new AbortController().signal,
    fetch,
    onBytes: given.onBytes ?? (() => {}),
    onWait: (waiting) => waiting && waits.push(waiting),
  });
  return {
    part,
    asked,
    waits,
    outcome: await proof.catch((error: Error & { code: string; hint: string }) => error),
    from: () => asked.map(({ from }) => from),
  };
}

const gone = (): Answer => {
  throw new TypeError('Failed to fetch');
};

describe('one file', () => {
  it('arrives complete and is verified by its SHA-256, or by the SHA-1 of its git blob', async () => {
    const done = await run([serve(BYTES)]);
    expect(done.outcome).toBe('sha256');
    expect(done.part.bytes).toEqual(BYTES);
    expect(done.part.etag).toBe('"1"');
    const small = listedFile('config.json', BYTES, false);
    expect((await run([serve(BYTES)], { file: small })).outcome).toBe('git-sha1');
    expect((await run([serve(BYTES)], { file: { ...small, gitSha1: null } })).outcome).toBe('size');
  });

  it('is not replaced by another of the same length: a wrong hash is an error, and nothing is kept', async () => {
    for (const lfs of [true, false]) {
      const wrong = await run([serve(content(10_000, 2))], {
        file: listedFile('model.safetensors', BYTES, lfs),
      });
      expect(wrong.outcome).toMatchObject({
        code: 'hub',
        message: expect.stringMatching(/its hash is [0-9a-f]+/),
      });
      expect(wrong.part.size).toBe(0);
      expect(wrong.asked).toHaveLength(1);
    }
  });

  it('is requested again from where the connection broke, ended early or stalled', async () => {
    const done = await run([
      serve(BYTES, { most: 3000, after: 'break' }),
      serve(BYTES, { most: 2000 }),
      serve(BYTES, { most: 1000, after: 'hang' }),
      serve(BYTES),
    ]);
    expect(done.outcome).toBe('sha256');
    expect(done.part.bytes).toEqual(BYTES);
    expect(done.from()).toEqual([0, 3000, 5000, 6000]);
    expect(done.waits.map(({ why }) => why)).toEqual([
      expect.stringContaining('or the connection broke'),
      'the connection ended after 5000 of 10000 bytes',
      'huggingface.co sent nothing for 0.06 s',
    ]);
  });

  it('is given up after the allowed attempts without a new byte, with a hint; what arrived stays', async () => {
    const lost = await run([serve(BYTES, { most: 4000, after: 'break' }), gone]);
    // The attempt that brought bytes counts as the first in a row.
    expect(lost.asked).toHaveLength(SHORT.attempts);
    expect(lost.outcome).toMatchObject({ code: 'network', hint: expect.stringContaining('resume') });
    expect(lost.part.size).toBe(4000);
    const stalled = await run([serve(BYTES, { most: 0, after: 'hang' })]);
    expect(stalled.outcome).toMatchObject({
      code: 'network',
      message: expect.stringContaining('sent nothing'),
    });
  });

  it('waits as long as the host asks, up to a limit', async () => {
    const busy = (after: string) => (): Answer => ({ status: 429, headers: { 'retry-after': after } });
    const from = performance.now();
    const done = await run([busy('1'), () => ({ status: 503 }), () => ({ status: 502 }), serve(BYTES)]);
    expect(performance.now() - from).toBeGreaterThan(950);
    expect(done.outcome).toBe('sha256');
    expect(done.waits.map(({ pause }) => pause)).toEqual([1000, 2, 4]);
    const silent = await run([() => ({ status: 429 }), serve(BYTES)]);
    expect(silent.waits.map(({ pause }) => pause)).toEqual([5]);
    const long = await run([busy('3600')]);
    expect(long.outcome).toMatchObject({ code: 'network', message: expect.stringContaining('60 minutes') });
    expect(long.asked).toHaveLength(1);
  });

  it.each([
    [401, /does not exist, is private, or its licence/],
    [403, /gated/],
    [404, /found nothing for model\.safetensors/],
    [451, /answered 451/],
  ])('status %i is an error at once', async (status, said) => {
    const refused = await run([() => ({ status })]);
    const { code, message, hint } = refused.outcome as { code: string; message: string; hint: string };
    expect(code).toBe('hub');
    expect(`${message} ${hint}`).toMatch(said);
    expect(refused.asked).toHaveLength(1);
  });

  it('reports a web page sent in its place', async () => {
    const page = await run([
      () => ({ body: '<html>', headers: { 'content-type': 'text/html; charset=utf-8' } }),
    ]);
    expect(page.outcome).toMatchObject({ message: expect.stringContaining('web page') });
  });

  it('has the length of the listing, whatever the response says', async () => {
    for (const length of ['5', '99999', 'x'])
      expect((await run([serve(BYTES, { headers: { 'content-length': length } })])).outcome).toBe('sha256');
    const cut = await run([
      serve(BYTES, { most: 4000, headers: { 'content-length': '4000' } }),
      serve(BYTES),
    ]);
    expect([cut.outcome, cut.from()]).toEqual(['sha256', [0, 4000]]);
  });

  it('with more bytes than listed is an error before they are written', async () => {
    const more = await run([serve(content(12_000))]);
    expect(more.outcome).toMatchObject({
      code: 'hub',
      message: expect.stringContaining('more than the listed 10000'),
    });
    expect(more.part.size).toBe(0);
  });
});

describe('a partial file', () => {
  const begun = (length: number, etag: string | null = '"1"') => new MemoryPart(BYTES.slice(0, length), etag);

  it('is continued, and its hash covers all of it', async () => {
    const seen: number[] = [];
    const done = await run([serve(BYTES)], { part: begun(6000), onBytes: (bytes) => seen.push(bytes) });
    expect(done.outcome).toBe('sha256');
    expect(done.from()).toEqual([6000]);
    expect(done.part.bytes).toEqual(BYTES);
    expect(seen[0]).toBe(6000);
  });

  it('that already has all its bytes is only verified', async () => {
    const done = await run([gone], { part: begun(10_000) });
    expect(done.outcome).toBe('sha256');
    expect(done.asked).toHaveLength(0);
  });

  it('starts over if the host ignores the range, the ETag changed, or the rest is refused', async () => {
    const whole = (): Answer => ({ body: BYTES, headers: { etag: '"1"' } });
    const ignored = await run([whole], { part: begun(6000) });
    expect([ignored.outcome, ignored.part.bytes]).toEqual(['sha256', BYTES]);

    const changed = await run([serve(BYTES, { etag: '"2"' })], { part: begun(6000) });
    expect([changed.outcome, changed.part.etag]).toEqual(['sha256', '"2"']);
    expect(changed.from()).toEqual([6000, 0]);

    const refused = await run([() => ({ status: 416 }), serve(BYTES)], { part: begun(6000) });
    expect([refused.outcome, refused.from()]).toEqual(['sha256', [6000, 0]]);
  });

  it('starts over if the host sends another range than requested', async () => {
    const other = (): Answer => ({
      status: 206,
      body: BYTES.slice(5000),
      headers: { 'content-range': 'bytes 5000-9999/10000' },
    });
    const done = await run([other, serve(BYTES)], { part: begun(6000) });
    expect([done.outcome, done.from()]).toEqual(['sha256', [6000, 0]]);
  });

  it('starts over, once, if its beginning is damaged', async () => {
    const part = begun(6000);
    part.bytes[17]! ^= 1;
    const done = await run([serve(BYTES)], { part });
    expect([done.outcome, done.part.bytes]).toEqual(['sha256', BYTES]);
    expect(done.from()).toEqual([6000, 0]);
    const again = begun(6000);
    again.bytes[17]! ^= 1;
    const wrong = await run([serve(content(10_000, 2))], { part: again });
    expect(wrong.outcome).toMatchObject({ code: 'hub' });
    expect(wrong.asked).toHaveLength(2);
  });

  it('is not trusted if neither a hash nor an ETag identifies its file', async () => {
    const file = { ...FILE, sha256: null };
    const done = await run([serve(BYTES)], { part: begun(6000, null), file });
    expect([done.outcome, done.from()]).toEqual(['size', [0]]);
    const known = await run([serve(BYTES)], { part: begun(6000), file });
    expect([known.outcome, known.from()]).toEqual(['size', [6000]]);
  });

  it('is not joined with another version where neither a hash nor an ETag tells them apart', async () => {
    const file = { ...FILE, sha256: null };
    const other = content(10_000, 2);
    // The first version breaks off, and the host has the second by then.
    const overBreak = (first: boolean, second: boolean) =>
      run(
        [
          serve(BYTES, { most: 4000, after: 'break', exposes: first }),
          serve(other, { etag: '"2"', exposes: second }),
        ],
        { file },
      );
    const hidden = await overBreak(false, false);
    // Nothing could be compared, so no rest is asked for.
    expect([hidden.outcome, hidden.from()]).toEqual(['size', [0, 0]]);
    expect(hidden.part.bytes).toEqual(other);
    expect(hidden.waits.at(-1)?.why).toContain('neither a hash nor an ETag');
    const silent = await overBreak(true, false);
    expect([silent.outcome, silent.from()]).toEqual(['size', [0, 4000, 0]]);
    expect(silent.part.bytes).toEqual(other);
    expect(silent.waits.at(-1)?.why).toContain('neither a hash nor an ETag');
    const late = await overBreak(false, true);
    expect([late.outcome, late.part.bytes]).toEqual(['size', other]);
    // What an earlier call left, too.
    const left = await run([serve(BYTES, { exposes: false })], { part: begun(6000), file });
    expect([left.outcome, left.from()]).toEqual(['size', [6000, 0]]);
  });

  it('is continued without an ETag where the whole is checked by its hash', async () => {
    const hidden = { exposes: false };
    const done = await run([serve(BYTES, { ...hidden, most: 4000, after: 'break' }), serve(BYTES, hidden)]);
    expect([done.outcome, done.from()]).toEqual(['sha256', [0, 4000]]);
    const mixed = await run([
      serve(content(10_000, 2), { ...hidden, most: 4000, after: 'break' }),
      serve(BYTES, hidden),
    ]);
    expect(mixed.outcome).toMatchObject({ code: 'hub', message: expect.stringContaining('its hash is') });
  });

  it('on a full disk ends at once, and goes on from what arrived when there is room', async () => {
    const part = new MemoryPart();
    const append = part.append.bind(part);
    part.append = (more) => {
      if (part.size + more.length > 4500) throw fellShort('model.safetensors', part.size, 10_000);
      append(more);
    };
    const full = await run([serve(BYTES)], { part });
    expect(full.outcome).toMatchObject({ code: 'storage', hint: expect.stringContaining('resume') });
    expect([full.asked.length, part.size]).toEqual([1, 4000]);
    part.append = append;
    const done = await run([serve(BYTES)], { part });
    expect([done.outcome, done.from(), done.part.bytes]).toEqual(['sha256', [4000], BYTES]);
  });

  it('that the host changes at every request ends in an error', async () => {
    let n = 0;
    const restless = (asked: Asked) => serve(BYTES, { etag: `"${n++}"`, most: 4000 })(asked);
    const lost = await run([restless]);
    expect(lost.outcome).toMatchObject({ code: 'network', message: expect.stringContaining('attempts') });
    const lying = await run([serve(BYTES, { headers: { 'content-range': 'bytes 6000-20000/20001' } })], {
      part: begun(6000),
    });
    expect(lying.outcome).toMatchObject({ code: 'hub', message: expect.stringContaining('20001 bytes') });
  });
});

describe('cancel and token', () => {
  it('a cancel ends a stalled transfer and a waiting one; what arrived stays', async () => {
    for (const answer of [
      serve(BYTES, { most: 3000, after: 'hang' }),
      () => ({ status: 429, headers: { 'retry-after': '1' } }),
    ]) {
      const stop = new AbortController();
      setTimeout(() => stop.abort(new Error('stop')), 20);
      const cut = await run([answer as (asked: Asked) => Answer], { signal: stop.signal });
      expect(cut.outcome).toEqual(new Error('stop'));
      expect([0, 3000]).toContain(cut.part.size);
    }
  });

  it('the token goes to huggingface.co and nowhere else, and no cookie or referrer goes anywhere', async () => {
    const hub = await run([serve(BYTES, { url: 'https://cdn.hf.co/x' })]);
    expect(hub.asked[0]).toMatchObject({ authorization: 'Bearer hf_secret' });
    expect(hub.asked[0]?.init).toMatchObject({ credentials: 'omit', referrerPolicy: 'no-referrer' });
    for (const base of [
      'https://mirror.example',
      'https://huggingface.co.evil.example',
      'https://huggingface.co/x',
    ])
      expect((await run([serve(BYTES)], { base })).asked[0]?.authorization).toBeNull();
  });

  it('sends a Range header that needs no CORS preflight', async () => {
    const done = await run([serve(BYTES)], { part: new MemoryPart(BYTES.slice(0, 10), '"1"') });
    const headers = new Headers(done.asked[0]?.init.headers);
    headers.delete('authorization');
    expect([...headers]).toEqual([['range', 'bytes=10-']]);
  });
});
