import type { EngineErrorReport } from '../contract/events';
import type { DownloadPlan } from '../storage/checkpoint-rows';
import type { TransferProgress } from './progress';
import type { Limits } from './request';

/** The messages between the page and a download worker. Plain data only. */

export type ToDownloader =
  | {
      readonly kind: 'start';
      readonly plan: DownloadPlan;
      /** Only for this download: it is neither stored nor sent back. */
      readonly token: string | null;
      readonly limits: Limits;
    }
  | { readonly kind: 'cancel' };

export type FromDownloader =
  | { readonly kind: 'ready' }
  /** Also sent as a heartbeat when nothing has changed. */
  | { readonly kind: 'progress'; readonly progress: TransferProgress | null }
  | { readonly kind: 'done' }
  | { readonly kind: 'error'; readonly error: EngineErrorReport };
