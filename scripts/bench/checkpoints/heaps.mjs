/** Milliseconds between two looks. */
const EVERY = 200;

/**
 * Watches the JavaScript heaps of a page and of its workers by the browser's protocol: bytes that V8 has in use, and apart from
 * them those of array buffers and WebAssembly's memory. A heap that is never looked at is an error, not 0.
 * @returns the peaks of each since the last restart in MB, and an end
 */
export async function watchHeaps(context, page) {
  const session = await context.newCDPSession(page);
  const heaps = new Map([['page', (method) => session.send(method)]]);
  const waiting = new Map();
  let ids = 0;
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { id, result, error } = JSON.parse(message);
    waiting.get(id)?.(error ? null : result);
    waiting.delete(id);
  });
  session.on('Target.attachedToTarget', ({ sessionId, targetInfo: { type } }) => {
    if (type !== 'worker') return;
    heaps.set('worker', (method) => {
      const id = ++ids;
      const answered = new Promise((resolve) => waiting.set(id, resolve));
      const message = JSON.stringify({ id, method });
      return session.send('Target.sendMessageToTarget', { sessionId, message }).then(() => answered);
    });
  });
  await session.send('Target.setAutoAttach', {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  });
  const peak = {};
  let isBusy = false;
  const look = async () => {
    if (isBusy) return;
    isBusy = true;
    for (const [name, ask] of heaps) {
      const usage = await ask('Runtime.getHeapUsage').catch(() => null);
      if (!usage) continue;
      const before = peak[name] ?? { heap: 0, buffers: 0 };
      peak[name] = {
        heap: Math.max(before.heap, usage.usedSize / 1e6),
        buffers: Math.max(before.buffers, (usage.backingStorageSize ?? 0) / 1e6),
      };
    }
    isBusy = false;
  };
  const timer = setInterval(look, EVERY);
  return {
    look,
    peak,
    restart() {
      for (const name of Object.keys(peak)) delete peak[name];
    },
    end: () => clearInterval(timer),
  };
}

/** Their peaks in words; the sum is what a limit of the heap is compared with. */
export function heapWords(peak) {
  const missing = ['page', 'worker'].filter((name) => !peak[name]);
  if (missing.length > 0) return `JavaScript heap of ${missing.join(' and ')} not seen`;
  const { page, worker } = peak;
  const mb = (n) => `${n.toFixed(1)} MB`;
  return `JavaScript heap at most ${mb(page.heap + worker.heap)} (page ${mb(page.heap)}, worker ${mb(worker.heap)}); buffers and WebAssembly beside it ${mb(page.buffers + worker.buffers)}`;
}
