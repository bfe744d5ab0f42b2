import { HubError } from './errors';
import { hostOf, isHub, readAddress } from './source';

/** One request to a host: what is sent, and what its response means. */

export interface Limits {
  /** Milliseconds without a byte after which a connection counts as stalled. */
  readonly stall: number;
  /** Attempts in a row without a new byte before giving up. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; doubled for every further one. */
  readonly pause: number;
  /** Longest wait, in milliseconds, that a host may ask for (Retry-After). */
  readonly longestPause: number;
}

export const LIMITS: Limits = { stall: 20_000, attempts: 6, pause: 1_000, longestPause: 120_000 };

/** Worth another attempt: the connection broke, or the host asked to wait. */
export class Retry extends Error {
  constructor(
    /** What happened, as shown to the user: "the connection broke". */
    readonly why: string,
    /** Milliseconds that the host asks to wait, or `null`. */
    readonly after: number | null = null,
    /** How many times longer than usual to wait if the host does not say. */
    readonly patience = 1,
  ) {
    super(why);
  }
}

/**
 * What is sent with a request to `base`. A token goes to huggingface.co itself only: never to a mirror, and
 * browsers drop `Authorization` when a redirect leaves the host (Fetch standard, HTTP-redirect fetch, step
 * 13).
 */
export function requestInit(base: string, token: string | null, from = 0): RequestInit {
  return {
    headers: {
      ...(token !== null && token !== '' && isHub(base) && { Authorization: `Bearer ${token}` }),
      // With this header alone browsers send no CORS preflight, which CDNs refuse; with If-Range they would.
      // So the response's ETag is compared here instead.
      ...(from > 0 && { Range: `bytes=${from}-` }),
    },
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
    cache: 'no-store',
    redirect: 'follow',
  };
}

/** Retry-After, in milliseconds from now: seconds or a date. */
export function retryAfter(header: string | null, now = Date.now()): number | null {
  if (header === null) return null;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

/** The host that answered: another than was asked after a redirect to a CDN. */
const serverOf = (response: Response, base: string): string => {
  const host = response.url === '' ? '' : readAddress(response.url)?.host;
  return host || hostOf({ base });
};

/**
 * Throws if the response is not the content: `Retry` if another attempt may succeed, `HubError` if not.
 * `what` is named in the message: "model.safetensors of org/name".
 */
export function refuseAnswer(response: Response, base: string, what: string, limits: Limits): void {
  const { status } = response;
  if (status === 200 || status === 206) {
    refuseWebPage(response, base, what);
    return;
  }
  const host = serverOf(response, base);
  if (status === 429 || status === 503) {
    const after = retryAfter(response.headers.get('retry-after'));
    if (after !== null && after > limits.longestPause)
      throw new HubError(
        'network',
        `${host} limits the rate of requests, and asks to wait ${Math.ceil(after / 60_000)} minutes`,
        'Resume the download then; what has arrived is kept. With an access token the limits are higher.',
      );
    // The Hub's rate limits span minutes, and it does not let other sites' pages read Retry-After.
    if (status === 429) throw new Retry(`${host} asks to wait (429)`, after, 5);
    throw new Retry(`${host} is not available (503)`, after);
  }
  if (status === 408 || status === 425 || status >= 500) throw new Retry(`${host} answered ${status}`);
  if (status === 401 || status === 403)
    throw new HubError(
      'hub',
      `${host} refuses access to ${what} (${status}): it does not exist, is private, or its licence must be accepted first`,
      isHub(base)
        ? 'Check the name. For a gated model, accept its terms on its page at huggingface.co, then give an access token (Settings → Access Tokens, permission to read).'
        : 'Check the name, or use a mirror that has it. Tokens are never sent to a mirror.',
    );
  if (status === 404 || status === 410)
    throw new HubError(
      'hub',
      `${host} found nothing for ${what} (${status})`,
      'Check the name and the revision.',
    );
  throw new HubError(
    'hub',
    `${host} answered ${status}${response.statusText && ` ${response.statusText}`} for ${what}`,
    'Check the address of the host, or choose another one.',
  );
}

/** Captive portals answer every request with their own sign-in page. */
function refuseWebPage(response: Response, base: string, what: string): void {
  if (!/^text\/html/i.test(response.headers.get('content-type') ?? '')) return;
  throw new HubError(
    'hub',
    `${serverOf(response, base)} answered with a web page instead of ${what}`,
    'Check the address of the host. If this network asks to sign in first, do that in another tab.',
  );
}

/** What a rejected `fetch` means. Browsers do not distinguish an unreachable host from one that CORS forbids. */
export const unreachable = (base: string, cause: unknown): Retry =>
  new Retry(
    `${hostOf({ base })} could not be reached, or the connection broke (${cause instanceof Error ? cause.message : String(cause)})`,
  );

/**
 * Runs `work` with a signal that is aborted with `signal`, or once no byte has come for `limits.stall`:
 * `work` calls `arm` for every one that came. What is left of the request when `work` ends is aborted.
 * @throws Retry if nothing came or the connection broke; what `work` throws if `isKnown` recognises it; the
 * reason of `signal` once that is aborted
 */
export async function unlessStalled<T>(
  work: (signal: AbortSignal, arm: () => void) => Promise<T>,
  base: string,
  limits: Limits,
  signal: AbortSignal,
  isKnown: (thrown: unknown) => boolean,
): Promise<T> {
  const stalled = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const arm = () => {
    clearTimeout(timer);
    timer = setTimeout(() => stalled.abort(), limits.stall);
  };
  arm();
  try {
    return await work(AbortSignal.any([signal, stalled.signal]), arm);
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof Retry || isKnown(thrown)) throw thrown;
    if (stalled.signal.aborted)
      throw new Retry(`${hostOf({ base })} sent nothing for ${limits.stall / 1000} s`);
    throw unreachable(base, thrown);
  } finally {
    clearTimeout(timer);
    if (!signal.aborted) stalled.abort();
  }
}

/** Waits; rejects as soon as `signal` is aborted. */
export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', stop, { once: true });
  });
}

export interface Waiting {
  readonly why: string;
  /** Milliseconds until the next attempt. */
  readonly pause: number;
}

/**
 * Runs `attempt` until it resolves, again after each `Retry`, with ever longer pauses; gives up after
 * `limits.attempts` in a row without a new byte (`progress` counts bytes).
 * @throws HubError, or what `attempt` throws
 */
export async function persistently<T>(
  attempt: () => Promise<T>,
  what: string,
  limits: Limits,
  signal: AbortSignal,
  progress?: () => number,
  onWait: (waiting: Waiting) => void = () => {},
): Promise<T> {
  let failures = 0;
  for (;;) {
    const before = progress?.() ?? 0;
    try {
      return await attempt();
    } catch (thrown) {
      signal.throwIfAborted();
      if (!(thrown instanceof Retry)) throw thrown;
      failures = (progress?.() ?? 0) > before ? 1 : failures + 1;
      if (failures >= limits.attempts)
        throw new HubError(
          'network',
          `${what}: ${thrown.why}; ${failures} attempts without ${progress ? 'new ' : ''}data`,
          `Check the connection and ${progress ? 'resume; what has arrived is kept' : 'try again'}. If the host remains unreachable, choose a mirror.`,
          { cause: thrown },
        );
      const pause = thrown.after ?? thrown.patience * limits.pause * 2 ** (failures - 1);
      onWait({ why: thrown.why, pause });
      await sleep(pause, signal);
    }
  }
}
