import type { EngineErrorReport } from '../contract/events';
import type { DownloadPlan } from '../storage/checkpoint-rows';
import { cancelled, HubError } from './errors';
import type { FromDownloader, ToDownloader } from './messages';
import type { TransferProgress } from './progress';
import { LIMITS, type Limits } from './request';

/** The page's side of downloads, each of which runs in a worker of its own. */

export interface StartOptions {
  readonly token: string | null;
  readonly signal: AbortSignal;
  readonly report: (progress: TransferProgress) => void;
  readonly limits?: Limits;
}

/** Milliseconds of silence after which the worker counts as dead, and milliseconds that a cancel may take. */
const SILENCE = 30_000;
const CANCEL = 5_000;

const failed = ({ name, code, message, hint, stack }: EngineErrorReport) =>
  Object.assign(new Error(message), { name, code, hint, ...(stack !== null && { stack }) });

/**
 * Downloads `plan` into this browser's storage; resolves when every file is complete and verified. Aborting
 * the signal keeps what has arrived.
 * @throws errors with code and hint: the codes of `HubError`, and `storage`
 */
export function startDownload(plan: DownloadPlan, options: StartOptions): Promise<void> {
  const { token, signal, report, limits = LIMITS } = options;
  const worker = new Worker(new URL('./host.ts', import.meta.url), { type: 'module', name: 'download' });
  return new Promise<void>((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = (settle: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
      worker.terminate();
      settle();
    };
    const broken = (why: string) =>
      end(() =>
        reject(new HubError('network', `the download ${why}`, 'Resume it; what has arrived is kept.')),
      );
    const arm = (limit: number, after: () => void) => {
      clearTimeout(timer);
      timer = setTimeout(after, limit);
    };
    let isReady = false;
    const heard = () => {
      if (!signal.aborted) arm(SILENCE, () => broken('stopped responding'));
    };
    const send = (message: ToDownloader) => worker.postMessage(message);
    const cancel = () => {
      send({ kind: 'cancel' });
      // A worker that does not respond is terminated; what it has written stays.
      arm(CANCEL, () => end(() => reject(cancelled())));
    };
    worker.addEventListener('message', ({ data }: MessageEvent<FromDownloader>) => {
      heard();
      isReady = true;
      if (data.kind === 'ready') send({ kind: 'start', plan, token, limits });
      else if (data.kind === 'progress') {
        if (data.progress !== null) report(data.progress);
      } else if (data.kind === 'done') end(resolve);
      else end(() => reject(failed(data.error)));
    });
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      if (isReady) return broken(`crashed: ${event.message || 'no error message'}`);
      end(() =>
        reject(
          new HubError(
            'network',
            'the download did not start: a file of this page could not be loaded',
            'Check the connection. If a new version of this page was put on its host meanwhile, reload it, then resume.',
          ),
        ),
      );
    });
    if (signal.aborted) return end(() => reject(cancelled()));
    signal.addEventListener('abort', cancel, { once: true });
    heard();
  });
}
