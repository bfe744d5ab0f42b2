import type { ModelReport } from '../../contract/events';
import { type Offer, SAFETENSORS } from '../../hub/choose';
import type { TransferProgress } from '../../hub/progress';
import { HUB, hostOf } from '../../hub/source';
import type { LibraryList, Room } from '../../storage/checkpoint-library';
import { type DownloadPlan, keyOf } from '../../storage/checkpoint-rows';
import { type Failure, idle, isBusy, type Task } from './task';

export type {
  DamagedCheckpoint,
  LibraryList,
  Room,
  StoredCheckpoint,
  UnfinishedDownload,
} from '../../storage/checkpoint-library';
export { bytesOf } from '../../storage/checkpoint-rows';
export type { DownloadPlan, Offer, TransferProgress };
export { keyOf, SAFETENSORS };

/** The host's name for users. */
export const hostName = (plan: Pick<DownloadPlan, 'base'>): string => hostOf(plan);
export const HUB_NAME = hostOf({ base: HUB });

/** Bytes of a plan already here, and bytes free for this site; `null` if the browser does not say. */
export function roomFor(
  plan: DownloadPlan,
  library: Pick<LibraryList, 'unfinished'> | null,
  room: Pick<Room, 'used' | 'quota'> | null,
): { readonly received: number; readonly free: number | null } {
  const key = keyOf(plan);
  const received = library?.unfinished.find((one) => one.key === key)?.received ?? 0;
  const { used = null, quota = null } = room ?? {};
  return { received, free: used !== null && quota !== null ? quota - used : null };
}

/** Whether this tab is downloading the checkpoint with this key. Another revision of its model is another checkpoint. */
export const isDownloading = ({ download, plan }: Pick<SourcesState, 'download' | 'plan'>, key: string) =>
  isBusy(download) && plan !== null && keyOf(plan) === key;

/** Where another model can come from. */
export const SOURCE_TABS = ['hub', 'mirror', 'files', 'stored', 'bundled'] as const;
export type SourceTab = (typeof SOURCE_TABS)[number];

/** The page's state of opening models: sources, the current download, what is stored. */
export interface SourcesState {
  readonly tab: SourceTab;
  /** As typed: the model, and the mirror's address. */
  readonly model: string;
  readonly mirror: string;
  /**
   * Whether a token was given. The token itself is not in the state: it lives in one variable, as long as the
   * page.
   */
  readonly hasToken: boolean;
  /** The model that a link asks for, until the user acts on it. Nothing has been fetched by then. */
  readonly asked: string | null;
  /** What the host offers of the model, for the user to accept. */
  readonly offer: Task<Offer>;
  /** What the engine makes of the offer's config.json: the model, or why it cannot be opened. */
  readonly described: ModelReport | Failure | null;
  readonly download: Task<true>;
  /** What is being downloaded, or was last. */
  readonly plan: DownloadPlan | null;
  readonly transfer: TransferProgress | null;
  /** `null` until it has been read. */
  readonly library: LibraryList | null;
  readonly room: Room | null;
  /** Why nothing can be stored in this browser. */
  readonly unavailable: string | null;
  /** The last operation on the library, if it failed. */
  readonly problem: { readonly title: string; readonly error: Failure } | null;
  /** Key and name of the stored checkpoint that is open. */
  readonly open: { readonly key: string; readonly label: string } | null;
}

export const initialSources: SourcesState = {
  tab: 'hub',
  model: '',
  mirror: '',
  hasToken: false,
  asked: null,
  offer: idle,
  described: null,
  download: idle,
  plan: null,
  transfer: null,
  library: null,
  room: null,
  unavailable: null,
  problem: null,
  open: null,
};
