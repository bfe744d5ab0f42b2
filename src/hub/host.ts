import { reportOf } from '../contract/error-report';
import { vouchForOwnScripts } from '../contract/trusted-types';
import { alone } from '../storage/checkpoint-library';
import { keyOf } from '../storage/checkpoint-rows';
import { openShelf } from '../storage/checkpoint-shelf';
import { browserLocks } from '../storage/leases';
import { checkpointsFolder } from '../storage/opfs';
import { download } from './download';
import { cancelled, HubError } from './errors';
import type { FromDownloader, ToDownloader } from './messages';
import type { TransferProgress } from './progress';

/**
 * The worker that downloads one checkpoint: only workers can write files in place, and hashing would block
 * the page.
 */

vouchForOwnScripts();

/** Milliseconds between two heartbeats. */
const PULSE = 2_000;

const scope = globalThis as unknown as {
  postMessage(message: FromDownloader): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<ToDownloader>) => void): void;
};
const stop = new AbortController();

const isElsewhere = () =>
  new HubError(
    'busy',
    'this model is being downloaded, or is open, in another tab',
    'Wait for the other tab, or close it.',
  );

async function run({ plan, token, limits }: ToDownloader & { kind: 'start' }): Promise<void> {
  let last: TransferProgress | null = null;
  const pulse = setInterval(() => scope.postMessage({ kind: 'progress', progress: last }), PULSE);
  const work = async () => {
    const shelf = await openShelf(await checkpointsFolder(), plan);
    await download(plan, shelf, {
      token,
      limits,
      signal: stop.signal,
      report(progress) {
        last = progress;
        scope.postMessage({ kind: 'progress', progress });
      },
    });
  };
  try {
    await alone(browserLocks(), keyOf(plan), isElsewhere, work);
    scope.postMessage({ kind: 'done' });
  } catch (thrown) {
    scope.postMessage({ kind: 'error', error: reportOf(stop.signal.aborted ? cancelled() : thrown) });
  } finally {
    clearInterval(pulse);
  }
}

scope.addEventListener('message', ({ data }) => {
  if (data.kind === 'cancel') stop.abort();
  else void run(data);
});
scope.postMessage({ kind: 'ready' });
