import { describe, expect, it } from 'vitest';
import type { DownloadPlan } from '../storage/checkpoint-rows';
import { download } from './download';
import {
  type Answer,
  type Asked,
  content,
  fakeFetch,
  listedFile,
  MemoryShelf,
  SHORT,
  serve,
} from './fake-hub.testing';
import { Speedometer, type TransferProgress } from './progress';
import { HUB } from './source';

const FILES = new Map([
  ['config.json', content(500, 3)],
  ['model.safetensors', content(9_500, 4)],
]);
const PLAN: DownloadPlan = {
  version: 1,
  base: HUB,
  id: 'org/name',
  revision: 'main',
  commit: 'a'.repeat(40),
  licence: null,
  startedAt: 0,
  files: [...FILES].map(([path, bytes]) => listedFile(path, bytes, path !== 'config.json')),
};

const bytesOf = (asked: Asked) => FILES.get(asked.url.slice(asked.url.lastIndexOf('/') + 1))!;
const whole = (asked: Asked) => serve(bytesOf(asked))(asked);
const cut = (asked: Asked): Answer => serve(bytesOf(asked), { most: 4000, after: 'hang' })(asked);

async function run(
  shelf: MemoryShelf,
  answers: ((asked: Asked) => Answer)[],
  signal = new AbortController().signal,
) {
  const { fetch, asked } = fakeFetch(...answers);
  const progress: TransferProgress[] = [];
  const outcome = await download(PLAN, shelf, {
    token: null,
    limits: SHORT,
    signal,
    fetch,
    report: (now) => progress.push(now),
  }).catch((error: unknown) => error);
  return { asked: asked.map(({ url, from }) => `${url.split('/').at(-1)} ${from}`), progress, outcome };
}

describe('a download', () => {
  it('fetches the files in order, and writes the manifest last, with how each was verified', async () => {
    const shelf = new MemoryShelf();
    const { asked, progress } = await run(shelf, [whole]);
    expect(asked).toEqual(['config.json 0', 'model.safetensors 0']);
    expect(shelf.kept).toEqual(['config.json', 'model.safetensors']);
    expect([...shelf.manifest!]).toEqual([
      ['config.json', 'git-sha1'],
      ['model.safetensors', 'sha256'],
    ]);
    expect(progress.at(-1)).toMatchObject({ done: 10_000, total: 10_000, waiting: null });
  });

  it('that is cancelled keeps what has arrived, has no manifest, and is resumed with a range request', async () => {
    const shelf = new MemoryShelf();
    const stop = new AbortController();
    // As soon as it has arrived, before the rest is waited for: a machine may be slow.
    const watch = setInterval(() => {
      if (shelf.parts.get('model.safetensors')?.size === 4000) stop.abort(new Error('stop'));
    }, 1);
    const first = await run(shelf, [whole, cut], stop.signal);
    clearInterval(watch);
    expect(first.outcome).toEqual(new Error('stop'));
    expect([shelf.manifest, shelf.kept]).toEqual([null, ['config.json']]);
    expect(shelf.parts.get('model.safetensors')).toMatchObject({ size: 4000, closed: true });

    const second = await run(shelf, [whole]);
    expect(second.asked).toEqual(['model.safetensors 4000']);
    expect(shelf.parts.get('model.safetensors')!.bytes).toEqual(FILES.get('model.safetensors'));
    expect(shelf.manifest?.get('model.safetensors')).toBe('sha256');
    expect(second.progress[0]).toMatchObject({ done: 500, total: 10_000 });
  });

  it('reports why it waits', async () => {
    const { progress } = await run(new MemoryShelf(), [
      whole,
      () => ({ status: 429, headers: { 'retry-after': '0' } }),
      whole,
    ]);
    expect(progress.find(({ waiting }) => waiting !== null)).toMatchObject({
      file: 'model.safetensors',
      waiting: { why: 'huggingface.co asks to wait (429)', pause: 0 },
      left: null,
    });
    expect(progress.at(-1)?.waiting).toBeNull();
  });

  it('fails if a file differs from its listing, and keeps the other files', async () => {
    const shelf = new MemoryShelf();
    const { outcome } = await run(shelf, [whole, serve(content(9_500, 9))]);
    expect(outcome).toMatchObject({ code: 'hub' });
    expect([shelf.kept, shelf.manifest]).toEqual([['config.json'], null]);
  });
});

describe('the speed', () => {
  it('covers the last seconds, without what was there before', () => {
    const meter = new Speedometer();
    meter.note(1_000_000, 0);
    expect([meter.speed(), meter.left(100)]).toEqual([0, null]);
    for (let at = 0; at <= 20_000; at += 1000) meter.note(1_000_000 + at * 2, at);
    expect(meter.speed()).toBeCloseTo(2000);
    expect(meter.left(4000)).toBeCloseTo(2000);
    meter.note(0, 21_000);
    expect(meter.speed()).toBe(0);
  });
});
