import { z } from 'zod';
import { hexOf } from '../text/hex';
import { LIMIT, within } from './connection';
import { guarded, StorageError } from './errors';

/**
 * The page's own files, kept in this browser so that the page opens without its host: filled here, answered from by the service
 * worker of public/page-copy.js. Nothing is kept unless it is asked for.
 */

const listSchema = z.object({
  version: z.string().min(1).max(64),
  files: z
    .array(
      z.object({
        path: z.string().min(1).max(500),
        bytes: z.int().min(0),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .min(1),
});
/** What a build consists of, as scripts/tools/page-files.mjs lists it. */
export type PageFiles = z.infer<typeof listSchema>;

export interface PageCopies {
  /** This page's files, null where it is not a build; and those of the copy that is kept. */
  readonly here: PageFiles | null;
  readonly kept: PageFiles | null;
}

export interface PageCopy {
  /** Why no copy can be kept in this browser; null if one can. */
  readonly unavailable: string | null;
  look(): Promise<PageCopies>;
  /**
   * Keeps this page's files, and forgets those of other versions. What has arrived stays if it breaks off, and is not fetched again.
   * @param report bytes so far, and in all
   * @throws StorageError, and the signal's reason
   */
  keep(options: {
    readonly signal: AbortSignal;
    readonly report: (done: number, total: number) => void;
  }): Promise<void>;
  drop(): Promise<void>;
}

/** The browser's parts that it needs. */
export interface PageScope {
  readonly caches: CacheStorage | undefined;
  readonly serviceWorker: Pick<ServiceWorkerContainer, 'register' | 'getRegistration' | 'ready'> | undefined;
  readonly fetch: typeof fetch;
  /** Folder of the page. */
  readonly base: string;
}

export const bytesOfPage = ({ files }: PageFiles): number => files.reduce((sum, { bytes }) => sum + bytes, 0);

const LIST = 'page-files.json';
const WORKER = 'page-copy.js';
/** Milliseconds for one file. */
const FILE_LIMIT = 300_000;

const sha256 = async (bytes: ArrayBuffer): Promise<string> =>
  hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));

/** The same answer of bytes that are no longer compressed. */
function asKept(bytes: ArrayBuffer, { headers }: Response): Response {
  const kept = new Headers(headers);
  for (const name of ['content-encoding', 'content-length']) kept.delete(name);
  return new Response(bytes, { headers: kept });
}

export function pageCopy({ caches, serviceWorker, fetch, base }: PageScope): PageCopy {
  /** As in public/page-copy.js: a site may have several pages. */
  const prefix = `page-copy ${base} `;
  const address = (path: string) => new URL(path, base).href;
  const unavailable =
    caches && serviceWorker
      ? null
      : 'this browser keeps copies of pages only over https or from this computer, outside private windows';
  const there = () => {
    if (!caches || !serviceWorker) throw new StorageError(`no copy can be kept: ${unavailable}`, '');
    return { caches, serviceWorker };
  };
  const get = (path: string, signal?: AbortSignal) =>
    fetch(address(path), {
      cache: 'no-cache',
      signal: AbortSignal.any([AbortSignal.timeout(FILE_LIMIT), ...(signal ? [signal] : [])]),
    });

  async function listed(signal?: AbortSignal): Promise<PageFiles | null> {
    const response = await get(LIST, signal).catch(() => null);
    if (!response?.ok) return null;
    return listSchema.safeParse(await response.json().catch(() => null)).data ?? null;
  }

  const names = async () => (await there().caches.keys()).filter((name) => name.startsWith(prefix));

  async function whole(): Promise<PageFiles | null> {
    if (!(await there().serviceWorker.getRegistration(base))) return null;
    for (const name of await names()) {
      const list = await (await there().caches.open(name)).match(address(LIST));
      const read = list && listSchema.safeParse(await list.json()).data;
      if (read) return read;
    }
    return null;
  }

  /** The checked bytes of a file, as its host answers for it. */
  async function fetched({ path, sha256: hash }: PageFiles['files'][number], signal: AbortSignal) {
    const answer = async () => {
      const response = await get(path, signal);
      return { response, bytes: await response.arrayBuffer() };
    };
    const { response, bytes } = await answer().catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new StorageError(
        `${path} of this page could not be fetched`,
        'Check the network and try again: what has arrived is kept.',
        { cause },
      );
    });
    if (response.ok && (await sha256(bytes)) === hash) return asKept(bytes, response);
    throw new StorageError(
      response.ok
        ? `${path} has other bytes than its host lists for this page`
        : `the host of this page answered ${response.status} for ${path}`,
      'Reload the page, of which there may be a new version, and keep that.',
    );
  }

  async function fill(list: PageFiles, { signal, report }: Parameters<PageCopy['keep']>[0]) {
    const copy = await guarded(() => there().caches.open(prefix + list.version));
    // A full disk is said as one.
    const put = (path: string, response: Response) => guarded(() => copy.put(address(path), response));
    let done = 0;
    for (const file of list.files) {
      report(done, bytesOfPage(list));
      // Files are checked before they are put there.
      if (!(await copy.match(address(file.path)))) {
        const response = await fetched(file, signal);
        if (file.path === 'index.html') await put('./', response.clone());
        await put(file.path, response);
      }
      signal.throwIfAborted();
      done += file.bytes;
    }
    await put(LIST, Response.json(list));
    report(done, done);
  }

  return {
    unavailable,
    look: () =>
      guarded(async () => {
        if (unavailable !== null) return { here: null, kept: null };
        return within(LIMIT, Promise.all([listed(), whole()])).then(([here, kept]) => ({ here, kept }));
      }),
    keep: async (options) => {
      const { caches, serviceWorker } = there();
      const list = await listed(options.signal);
      options.signal.throwIfAborted();
      if (!list)
        throw new StorageError(
          `the host of this page does not list its files (${LIST})`,
          'Check the network and try again. A page that is not built cannot be kept.',
        );
      await fill(list, options);
      await guarded(async () => {
        await within(
          LIMIT,
          serviceWorker.register(address(WORKER)).then(() => serviceWorker.ready),
        );
        for (const name of await names()) if (name !== prefix + list.version) await caches.delete(name);
      });
    },
    drop: () =>
      guarded(async () => {
        const { caches, serviceWorker } = there();
        await (await serviceWorker.getRegistration(base))?.unregister();
        for (const name of await names()) await caches.delete(name);
      }),
  };
}

/** Where there is no page. */
export const noPageCopy: PageCopy = pageCopy({
  caches: undefined,
  serviceWorker: undefined,
  fetch: () => Promise.reject(new Error('nothing is fetched')),
  base: '',
});

/** In this browser, of this page. */
export const browserPageCopy = (): PageCopy =>
  pageCopy({
    caches: globalThis.caches,
    serviceWorker: globalThis.navigator?.serviceWorker,
    fetch: (...request) => globalThis.fetch(...request),
    base: new URL('./', document.baseURI).href,
  });
