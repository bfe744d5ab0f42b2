/** Downloads a complete file, with progress, and verifies that it is the intended one. */
import { CancelledError, FileError, MemoryError, throwIfCancelled } from '../base/errors';
import { sha256Hex } from '../base/sha256';
import { quote } from './json';

export interface FetchOptions {
  /** Exact length, if known: otherwise a truncated body with a large Content-Length reads as success. */
  readonly bytes?: number;
  /** Expected SHA-256, 64 hex digits. */
  readonly sha256?: string;
  /** Bytes so far, and in total; total is undefined if the server does not say. */
  readonly onProgress?: (received: number, total: number | undefined) => void;
  readonly signal?: AbortSignal;
  /** Replaces the global fetch, for tests. */
  readonly fetch?: typeof fetch;
  /** Milliseconds without a byte before giving up. */
  readonly stall?: number;
}

const STALL = 60_000;
const GRACE = 500;

const RETRY = 'Check the connection and try again.';

/**
 * @throws FileError (unreachable, stalled, HTTP status, wrong length, wrong hash), CancelledError, or
 * MemoryError if the file does not fit
 */
export async function fetchFile(url: string, options: FetchOptions = {}): Promise<ArrayBuffer> {
  const { signal, onProgress, sha256, stall = STALL } = options;
  throwIfCancelled(signal, `loading ${url}`);
  const stalled = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const arm = (): void => {
    clearTimeout(timer);
    // If the worker was busy computing for that long, data that arrived meanwhile is processed first.
    timer = setTimeout(() => {
      timer = setTimeout(() => stalled.abort(), GRACE);
    }, stall);
  };
  try {
    arm();
    const both = signal ? AbortSignal.any([signal, stalled.signal]) : stalled.signal;
    const response = await (options.fetch ?? globalThis.fetch)(url, { signal: both });
    if (!response.ok) {
      throw new FileError(
        `${url}: the server answered ${response.status} ${response.statusText}`.trimEnd(),
        'Check the address.',
      );
    }
    const total = options.bytes ?? announcedLength(response);
    const heard: FetchOptions['onProgress'] = (received, of) => {
      arm();
      onProgress?.(received, of);
    };
    const buffer = await readBody(response, url, total, options.bytes, heard, signal);
    clearTimeout(timer);
    if (sha256 !== undefined) await verifySha256(buffer, sha256, url);
    throwIfCancelled(signal, `loading ${url}`);
    return buffer;
  } catch (cause) {
    if (cause instanceof FileError || cause instanceof MemoryError) throw cause;
    if (cause instanceof CancelledError || signal?.aborted)
      throw new CancelledError(`loading ${url} was cancelled`);
    if (stalled.signal.aborted)
      throw new FileError(`${url}: no data for ${stall / 1000} s`, RETRY, { cause });
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FileError(`${url}: could not be loaded (${why})`, RETRY, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** Content-Length counts encoded bytes, so it says nothing about a compressed body. */
function announcedLength(response: Response): number | undefined {
  const length = response.headers.get('content-length');
  const encoded = response.headers.get('content-encoding');
  if (length === null || !/^\d{1,15}$/.test(length) || (encoded !== null && encoded !== 'identity'))
    return undefined;
  return Number(length);
}

async function readBody(
  response: Response,
  url: string,
  total: number | undefined,
  exact: number | undefined,
  onProgress: FetchOptions['onProgress'],
  signal: AbortSignal | undefined,
): Promise<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  let received = 0;
  onProgress?.(0, total);
  const reader = response.body?.getReader();
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    received += value.length;
    if ((exact !== undefined && received > exact) || signal?.aborted) {
      await reader.cancel();
      break;
    }
    onProgress?.(received, total);
  }
  throwIfCancelled(signal, `loading ${url}`);
  if (total !== undefined && received !== total) {
    const got = received > total ? `more than ${total}` : `${received}`;
    throw new FileError(`${url}: ${got} bytes arrived, expected ${total}`, RETRY);
  }
  return join(parts, received, url);
}

function join(parts: readonly Uint8Array[], length: number, url: string): ArrayBuffer {
  let out: Uint8Array<ArrayBuffer>;
  try {
    out = new Uint8Array(length);
  } catch (cause) {
    throw new MemoryError(`${url}: ${length} bytes do not fit in memory`, 'Choose a smaller checkpoint.', {
      cause,
    });
  }
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out.buffer;
}

/** @throws FileError if `bytes` do not have the SHA-256 `hex` */
export async function verifySha256(
  bytes: ArrayBuffer | Uint8Array<ArrayBuffer>,
  hex: string,
  label = 'file',
): Promise<void> {
  if (!/^[0-9a-f]{64}$/i.test(hex))
    throw new FileError(
      `${label}: the SHA-256 to compare with is ${quote(hex)}, expected 64 hexadecimal digits`,
      'Correct the SHA-256, or restore the file that lists it.',
    );
  const found = await sha256Hex(bytes);
  if (found !== hex.toLowerCase()) {
    throw new FileError(
      `${label}: SHA-256 is ${found}, expected ${hex.toLowerCase()}`,
      'The file is damaged or is another version: get it again.',
    );
  }
}
