import type { EngineErrorReport } from '../contract/events';
import type { DownloadPlan } from '../storage/checkpoint-rows';
import type { TransferProgress } from './progress';
import type { Limits } from './request';

/** What the page and a worker that downloads say to each other. Plain data only. */

export type ToDownloader =
  | {
      readonly kind: 'start';
      readonly plan: DownloadPlan;
      /** Only for this download: it is neither stored nor told back. */
      readonly token: string | null;
      readonly limits: Limits;
    }
  | { readonly kind: 'cancel' };

export type FromDownloader =
  | { readonly kind: 'ready' }
  /** Also sent as a sign of life where nothing has changed. */
  | { readonly kind: 'progress'; readonly progress: TransferProgress | null }
  | { readonly kind: 'done' }
  | { readonly kind: 'error'; readonly error: EngineErrorReport };
