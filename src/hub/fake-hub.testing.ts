import { createHash } from 'node:crypto';
import type { Manifest, Proof, RemoteFile } from '../storage/checkpoint-rows';
import { type PartialFile, type Shelf, usualProof } from '../storage/checkpoint-shelf';
import type { Limits } from './request';

/** A host and a shelf in memory, for the downloader's tests. */

/** Limits so short that tests hardly wait. */
export const SHORT: Limits = { stall: 60, attempts: 4, pause: 1, longestPause: 1000 };

/** Bytes that are not all the same. */
export const content = (length: number, seed = 1): Uint8Array<ArrayBuffer> => {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
};

const hex = (algorithm: string, ...parts: (string | Uint8Array)[]) => {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

/** A file as the Hub lists it, in Git LFS or in git itself. */
export const listedFile = (path: string, bytes: Uint8Array, lfs = true): RemoteFile => ({
  path,
  size: bytes.length,
  sha256: lfs ? hex('sha256', bytes) : null,
  gitSha1: lfs ? null : hex('sha1', `blob ${bytes.length}\0`, bytes),
});

export class MemoryPart implements PartialFile {
  closed = false;
  flushes = 0;

  constructor(
    public bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0),
    public etag: string | null = null,
  ) {}

  get size(): number {
    return this.bytes.length;
  }
  read(buffer: Uint8Array<ArrayBuffer>, at: number): number {
    const some = this.bytes.subarray(at, at + buffer.length);
    buffer.set(some);
    return some.length;
  }
  append(more: Uint8Array): void {
    const next = new Uint8Array(this.bytes.length + more.length);
    next.set(this.bytes);
    next.set(more, this.bytes.length);
    this.bytes = next;
  }
  async restart(etag: string | null): Promise<void> {
    this.bytes = new Uint8Array(0);
    this.etag = etag;
  }
  flush(): void {
    this.flushes++;
  }
  close(): void {
    this.closed = true;
  }
}

export class MemoryShelf implements Shelf {
  readonly parts = new Map<string, MemoryPart>();
  readonly kept: string[] = [];
  manifest: ReadonlyMap<string, Proof> | null = null;

  async open({ path }: RemoteFile): Promise<PartialFile | null> {
    if (this.kept.includes(path)) return null;
    const part = this.parts.get(path) ?? new MemoryPart();
    part.closed = false;
    this.parts.set(path, part);
    return part;
  }
  async keep(file: RemoteFile): Promise<void> {
    if (!this.parts.get(file.path)?.closed) throw new Error('kept while it is open');
    this.kept.push(file.path);
  }
  async finish(proofs: ReadonlyMap<string, Proof>): Promise<Manifest> {
    this.manifest = proofs;
    return {} as Manifest;
  }
}

export interface Asked {
  readonly url: string;
  /** The first byte that the Range header asks for. */
  readonly from: number;
  readonly authorization: string | null;
  readonly init: RequestInit;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer> | string;
  /** After the body, the response ends, hangs, or the connection breaks. */
  readonly after?: 'end' | 'hang' | 'break';
  /** Address of the response, after a redirect. */
  readonly url?: string;
}

/** A fetch that returns `answers` in order, then the last one forever. A thrown error rejects. */
export function fakeFetch(...answers: ((asked: Asked) => Answer)[]) {
  const asked: Asked[] = [];
  const ask = async (url: unknown, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    const from = Number(/^bytes=(\d+)-$/.exec(headers.get('range') ?? '')?.[1] ?? 0);
    const one: Asked = { url: String(url), from, authorization: headers.get('authorization'), init };
    asked.push(one);
    init.signal?.throwIfAborted();
    const answer = answers[Math.min(asked.length, answers.length) - 1]!(one);
    const { status = 200, body = '', after = 'end' } = answer;
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
        init.signal?.addEventListener('abort', () => {
          try {
            controller.error(init.signal?.reason);
          } catch {
            // The stream has ended already.
          }
        });
        for (let at = 0; at < bytes.length; at += 1000) controller.enqueue(bytes.slice(at, at + 1000));
        if (after === 'end') controller.close();
        if (after === 'break') setTimeout(() => controller.error(new TypeError('network error')), 5);
      },
    });
    const response = new Response(status === 204 ? null : stream, { status, headers: answer.headers ?? {} });
    Object.defineProperty(response, 'url', { value: answer.url ?? one.url });
    return response;
  };
  return { fetch: ask as typeof fetch, asked };
}

/**
 * The response of a host that has `bytes`: all of them, or the range requested, cut after `most` bytes. Without
 * `exposes` pages of other sites cannot read its ETag and Content-Range, although it sends them.
 */
export const serve =
  (
    bytes: Uint8Array<ArrayBuffer>,
    {
      etag = '"1"',
      most = Number.POSITIVE_INFINITY,
      exposes = true,
      ...more
    }: { etag?: string | null; most?: number; exposes?: boolean } & Answer = {},
  ) =>
  ({ from }: Asked): Answer => ({
    status: from > 0 ? 206 : 200,
    body: bytes.slice(from, Math.min(bytes.length, from + most)),
    ...more,
    headers: {
      ...(exposes && etag !== null && { etag }),
      ...(exposes && from > 0 && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
      ...more.headers,
    },
  });

export { usualProof };
