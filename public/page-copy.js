/**
 * Service worker: where the page's host cannot be reached, its own files are answered from the copy that the page keeps
 * (src/storage/page-copy.ts fills it, and registers this only once it is whole). The host comes first, so that a new version is
 * seen; only files with a hash in their name are taken from the copy at once.
 */
const scope = self.registration.scope;
/** As in src/storage/page-copy.ts. */
const PREFIX = `page-copy ${scope} `;
const LIST = new URL('page-files.json', scope).href;
const HASHED = new URL('assets/', scope).href;

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method === 'GET' && request.url.startsWith(scope)) event.respondWith(answer(request));
});

async function answer(request) {
  const first = request.url.startsWith(HASHED) ? await kept(request) : undefined;
  if (first) return first;
  try {
    return await fetch(request);
  } catch (failure) {
    const copy = await kept(request);
    if (copy) return copy;
    throw failure;
  }
}

/** What the copy has for a request. The list is written last: a copy without it is not whole. */
async function kept(request) {
  const address = request.mode === 'navigate' ? scope : request.url;
  for (const name of await caches.keys()) {
    if (!name.startsWith(PREFIX)) continue;
    const copy = await caches.open(name);
    if (await copy.match(LIST)) return copy.match(address, { ignoreSearch: true, ignoreVary: true });
  }
  return undefined;
}
