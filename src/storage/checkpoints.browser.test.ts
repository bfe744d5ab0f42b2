import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { lockOf, openLibrary } from './checkpoint-library';
import { type DownloadPlan, keyOf } from './checkpoint-rows';
import { MANIFEST } from './checkpoint-shelf';
import type { ShelfOrder } from './shelf-worker.testing';

const BYTES = Uint8Array.from({ length: 5000 }, (_, i) => (i * 37) % 251);
const CONFIG = new TextEncoder().encode('{"model_type": "llama"}');

const PLAN: DownloadPlan = {
  version: 1,
  base: 'https://huggingface.co',
  id: 'org/name',
  revision: 'main',
  commit: 'a'.repeat(40),
  licence: 'mit',
  startedAt: 1,
  files: [
    { path: 'config.json', size: CONFIG.length, sha256: null, gitSha1: 'b'.repeat(40) },
    { path: 'onnx/model.onnx', size: BYTES.length, sha256: 'c'.repeat(64), gitSha1: null },
  ],
};
const KEY = keyOf(PLAN);

let root = '';
const workers: Worker[] = [];
beforeEach(() => {
  root = `test-${crypto.randomUUID()}`;
});
afterEach(async () => {
  for (const worker of workers.splice(0)) worker.terminate();
  await (await navigator.storage.getDirectory()).removeEntry(root, { recursive: true }).catch(() => {});
});

/** Starts a worker with the plan's shelf; rejects with what the worker threw. */
async function downloader() {
  const worker = new Worker(new URL('./shelf-worker.testing.ts', import.meta.url), { type: 'module' });
  workers.push(worker);
  const order = (one: ShelfOrder) =>
    new Promise<unknown>((resolve, reject) => {
      worker.onmessage = ({ data }) =>
        'error' in data
          ? reject(Object.assign(new Error(data.error.message), data.error))
          : resolve(data.value);
      worker.postMessage(one);
    });
  await order({ kind: 'shelf', root, plan: PLAN });
  return { order, die: () => worker.terminate() };
}

const write = async ({ order }: Awaited<ReturnType<typeof downloader>>, path: string, bytes: Uint8Array) => {
  await order({ kind: 'open', path });
  await order({ kind: 'append', bytes });
  await order({ kind: 'close' });
  await order({ kind: 'keep', path });
};

async function storeWhole() {
  const worker = await downloader();
  await write(worker, 'config.json', CONFIG);
  await write(worker, 'onnx/model.onnx', BYTES);
  await worker.order({ kind: 'finish' });
  worker.die();
}

const folder = async () => {
  const top = await (await navigator.storage.getDirectory()).getDirectoryHandle(root);
  return top.getDirectoryHandle(KEY);
};

describe('a download in this browser’s files', () => {
  it('outlives a tab that is killed, and is never listed as complete before its manifest is written', async () => {
    const first = await downloader();
    await write(first, 'config.json', CONFIG);
    await first.order({ kind: 'open', path: 'onnx/model.onnx' });
    await first.order({ kind: 'restart', etag: '"1"' });
    expect(await first.order({ kind: 'append', bytes: BYTES.subarray(0, 3000) })).toEqual({
      size: 3000,
      etag: '"1"',
    });
    first.die();

    const library = openLibrary(root);
    const { whole, unfinished } = await library.list();
    expect(whole).toEqual([]);
    expect(unfinished).toMatchObject([
      {
        key: KEY,
        plan: PLAN,
        isUnderWay: false,
        received: 3000 + CONFIG.length,
        bytes: 5000 + CONFIG.length,
      },
    ]);
    await expect(library.files(KEY)).rejects.toMatchObject({ code: 'storage' });

    const second = await downloader();
    // The browser releases the dead worker's file handle a moment later.
    await vi.waitFor(async () =>
      expect(await second.order({ kind: 'open', path: 'onnx/model.onnx' })).toEqual({
        size: 3000,
        etag: '"1"',
      }),
    );
    expect(await second.order({ kind: 'read', length: 4000 })).toEqual(BYTES.subarray(0, 3000));
    expect(await second.order({ kind: 'append', bytes: BYTES.subarray(3000) })).toMatchObject({ size: 5000 });
    await second.order({ kind: 'close' });
    await second.order({ kind: 'keep', path: 'onnx/model.onnx' });
    expect((await library.list()).whole).toEqual([]);
    // A complete file is not opened for writing again.
    expect(await second.order({ kind: 'open', path: 'config.json' })).toBeNull();
    await second.order({ kind: 'finish' });
    second.die();

    expect(await library.list()).toMatchObject({
      whole: [{ key: KEY, bytes: 5000 + CONFIG.length }],
      unfinished: [],
    });
    const { files } = await library.files(KEY);
    expect(files.map(({ name, data }) => [name, data instanceof File])).toEqual([
      ['config.json', true],
      ['onnx/model.onnx', true],
    ]);
    expect(new Uint8Array(await files[1]!.data.arrayBuffer())).toEqual(BYTES);
    expect((await library.list()).whole[0]?.manifest.files[1]).toMatchObject({ proof: 'sha256' });
  });

  it('is written by only one tab at a time', async () => {
    const [first, second] = [await downloader(), await downloader()];
    await first.order({ kind: 'open', path: 'config.json' });
    await expect(second.order({ kind: 'open', path: 'config.json' })).rejects.toMatchObject({
      code: 'storage',
      message: expect.stringContaining('another tab'),
    });
  });

  it('that lost a file or part of one is no longer complete, and can be resumed', async () => {
    await storeWhole();
    const library = openLibrary(root);
    const at = await folder();
    const cut = await (await at.getFileHandle('onnx~model.onnx')).createWritable({ keepExistingData: true });
    await cut.truncate(4999);
    await cut.close();
    expect(await library.list()).toMatchObject({
      whole: [],
      unfinished: [{ key: KEY, bytes: 5000 + CONFIG.length }],
    });
    await expect(library.files(KEY)).rejects.toThrow('onnx/model.onnx');
    const again = await downloader();
    expect(await again.order({ kind: 'open', path: 'onnx/model.onnx' })).toEqual({ size: 0, etag: null });
  });

  it('with an unreadable manifest, or another checkpoint’s, is listed as damaged and can be deleted', async () => {
    await storeWhole();
    const library = openLibrary(root);
    const file = await (await folder()).getFileHandle(MANIFEST);
    const text = await (await file.getFile()).text();
    for (const [wrong, said] of [
      [text.slice(0, 100), /manifest\.json cannot be read/],
      [text.replace('org/name', 'org/other'), /belongs to another checkpoint/],
      [text.replace('"size":5000', '"size":-1'), /manifest\.json cannot be read/],
    ] as const) {
      const writable = await file.createWritable();
      await writable.write(wrong);
      await writable.close();
      expect(await library.list()).toMatchObject({
        whole: [],
        unfinished: [],
        damaged: [{ key: KEY, reason: expect.stringMatching(said) }],
      });
    }
    await library.remove(KEY);
    expect(await library.list()).toEqual({ whole: [], unfinished: [], damaged: [] });
  });
});

describe('the library', () => {
  it('does not delete what is open, in this tab or another', async () => {
    await storeWhole();
    const [here, there] = [openLibrary(root), openLibrary(root)];
    await here.use(KEY);
    await expect(here.remove(KEY)).rejects.toThrow('open in this tab');
    await expect(there.remove(KEY)).rejects.toThrow('another tab');
    await there.use(KEY);
    await here.use(null);
    await expect(here.remove(KEY)).rejects.toThrow('another tab');
    await there.use('something else');
    await vi.waitFor(() => here.remove(KEY));
    expect((await there.list()).whole).toEqual([]);
  });

  it('does not open what another tab is deleting or downloading, and lists a download as under way', async () => {
    await storeWhole();
    const library = openLibrary(root);
    await navigator.locks.request(lockOf(KEY), async () => {
      await expect(library.use(KEY)).rejects.toMatchObject({ code: 'storage' });
      await (await folder()).removeEntry(MANIFEST);
      const again = await downloader();
      expect((await library.list()).unfinished).toMatchObject([{ isUnderWay: true }]);
      await again.order({ kind: 'finish' });
      again.die();
    });
    await library.use(KEY);
    await expect(openLibrary(root).remove(KEY)).rejects.toThrow('another tab');
  });

  it('reports how much space there is', async () => {
    const library = openLibrary(root);
    expect(library.unavailable).toBeNull();
    const { used, quota, isPersistent } = await library.room();
    expect(used).toBeGreaterThanOrEqual(0);
    expect(quota).toBeGreaterThan(1e6);
    expect(typeof isPersistent).toBe('boolean');
    expect(typeof (await library.persist())).toBe('boolean');
  });
});
