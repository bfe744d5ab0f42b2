import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { noPageCopy, type PageFiles, pageCopy } from './page-copy';

const BASE = 'https://lori.test/page/';
const LIST = `${BASE}page-files.json`;
const TEXTS: Readonly<Record<string, string>> = {
  'index.html': '<p>page</p>',
  'assets/a-1.js': 'let a = 1;',
};

const listOf = (texts: Readonly<Record<string, string>>, version = 'one'): PageFiles => ({
  version,
  files: Object.entries(texts).map(([path, text]) => ({
    path,
    bytes: text.length,
    sha256: createHash('sha256').update(text).digest('hex'),
  })),
});

/** Cache storage in memory: only what is used of it. */
function memoryCaches() {
  const all = new Map<string, Map<string, Response>>();
  return {
    all,
    keys: async () => [...all.keys()],
    delete: async (name: string) => all.delete(name),
    async open(name: string) {
      const entries = all.get(name) ?? new Map<string, Response>();
      all.set(name, entries);
      return {
        match: async (url: string) => entries.get(url)?.clone(),
        async put(url: string, response: Response) {
          if (isFull) throw new DOMException('no room', 'QuotaExceededError');
          entries.set(url, response);
        },
      };
    },
  };
}

let host: Record<string, string>;
let asked: string[];
let caches: ReturnType<typeof memoryCaches>;
let registered: string[];
let broken: string | null;
let isFull: boolean;

const open = () =>
  pageCopy({
    caches: caches as unknown as CacheStorage,
    serviceWorker: {
      register: async (url: string | URL) => void registered.push(String(url)),
      getRegistration: async () =>
        registered.length > 0 ? { unregister: async () => registered.splice(0).length > 0 } : undefined,
      ready: Promise.resolve(),
    } as unknown as ServiceWorkerContainer,
    fetch: async (url) => {
      const path = String(url).slice(BASE.length);
      asked.push(path);
      if (path === broken) throw new TypeError('network');
      const text = host[path];
      return text === undefined
        ? new Response('', { status: 404 })
        : new Response(text, { headers: { 'Content-Encoding': 'gzip', 'X-Kept': 'yes' } });
    },
    base: BASE,
  });
const keep = (signal = new AbortController().signal, report = (_done: number, _total: number) => {}) =>
  open().keep({ signal, report });
const serve = (texts: Readonly<Record<string, string>>, version?: string) => {
  host = { ...texts, 'page-files.json': JSON.stringify(listOf(texts, version)) };
};
const names = () => [...caches.all.keys()];

beforeEach(() => {
  serve(TEXTS);
  [asked, registered, broken, isFull] = [[], [], null, false];
  caches = memoryCaches();
});

describe('a copy of the page', () => {
  it('is made only when asked for, of every listed file, with its headers but uncompressed', async () => {
    expect(await open().look()).toEqual({ here: listOf(TEXTS), kept: null });
    expect(asked).toEqual(['page-files.json']);
    const reports: number[][] = [];
    await keep(undefined, (done, total) => reports.push([done, total]));
    expect(reports).toEqual([
      [0, 21],
      [11, 21],
      [21, 21],
    ]);
    expect(registered).toEqual([`${BASE}page-copy.js`]);
    const [copy] = [...caches.all.values()];
    expect([...(copy?.keys() ?? [])]).toEqual([BASE, `${BASE}index.html`, `${BASE}assets/a-1.js`, LIST]);
    const page = copy?.get(BASE);
    expect(await page?.text()).toBe(TEXTS['index.html']);
    expect([page?.headers.get('X-Kept'), page?.headers.get('Content-Encoding')]).toEqual(['yes', null]);
    expect(await open().look()).toEqual({ here: listOf(TEXTS), kept: listOf(TEXTS) });
  });

  it('that broke off is none, and goes on where it did', async () => {
    broken = 'assets/a-1.js';
    await expect(keep()).rejects.toMatchObject({
      code: 'storage',
      message: 'assets/a-1.js of this page could not be fetched',
    });
    expect(registered).toEqual([]);
    expect((await open().look()).kept).toBeNull();
    [broken, asked] = [null, []];
    await keep();
    expect(asked).toEqual(['page-files.json', 'assets/a-1.js']);
    expect((await open().look()).kept?.version).toBe('one');
  });

  it('says that the disk is full, and what to do', async () => {
    isFull = true;
    await expect(keep()).rejects.toMatchObject({
      code: 'storage',
      message: 'the browser has no room left for this site (QuotaExceededError)',
      hint: expect.stringContaining('free space'),
    });
    expect(registered).toEqual([]);
  });

  it('ends with the reason of the signal', async () => {
    const stop = new AbortController();
    const reason = new Error('cancelled');
    const ending = keep(stop.signal, () => stop.abort(reason));
    await expect(ending).rejects.toBe(reason);
    expect((await open().look()).kept).toBeNull();
  });

  it('takes no file that is not the one listed', async () => {
    host['assets/a-1.js'] = 'let a = 2;';
    await expect(keep()).rejects.toThrow('assets/a-1.js has other bytes than its host lists for this page');
    delete host['assets/a-1.js'];
    await expect(keep()).rejects.toThrow('the host of this page answered 404 for assets/a-1.js');
    expect((await open().look()).kept).toBeNull();
  });

  it('replaces that of another version once it is whole, and leaves those of other pages', async () => {
    await keep();
    await caches.open('page-copy https://lori.test/other/ one');
    serve({ ...TEXTS, 'index.html': '<p>two</p>' }, 'two');
    broken = 'assets/a-1.js';
    await expect(keep()).rejects.toThrow('could not be fetched');
    expect((await open().look()).kept?.version).toBe('one');
    broken = null;
    await keep();
    expect(names().toSorted()).toEqual(['page-copy https://lori.test/other/ one', `page-copy ${BASE} two`]);
    await open().drop();
    expect(names()).toEqual(['page-copy https://lori.test/other/ one']);
    expect(registered).toEqual([]);
  });

  it('is of a build, which lists its files', async () => {
    host['page-files.json'] = '<!doctype html>';
    expect(await open().look()).toEqual({ here: null, kept: null });
    await expect(keep()).rejects.toThrow('the host of this page does not list its files');
    host['page-files.json'] = JSON.stringify({
      ...listOf(TEXTS),
      files: [{ path: 'a', bytes: 1, sha256: 'b' }],
    });
    expect((await open().look()).here).toBeNull();
  });

  it('is refused where the browser has no place for it', async () => {
    expect(await noPageCopy.look()).toEqual({ here: null, kept: null });
    await expect(noPageCopy.keep({ signal: new AbortController().signal, report: () => {} })).rejects.toThrow(
      'only over https or from this computer',
    );
  });
});
