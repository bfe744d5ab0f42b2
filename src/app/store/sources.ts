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

/** The host as people know it. */
export const hostName = (plan: Pick<DownloadPlan, 'base'>): string => hostOf(plan);
export const HUB_NAME = hostOf({ base: HUB });

/** Bytes of a plan that are here already, and that are free for this site; `null` where the browser does not say. */
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

/** Whether the checkpoint of this key is being downloaded by this tab. Another revision of its model is another checkpoint. */
export const isDownloading = ({ download, plan }: Pick<SourcesState, 'download' | 'plan'>, key: string) =>
  isBusy(download) && plan !== null && keyOf(plan) === key;

/** Where another model can come from. */
export const SOURCE_TABS = ['hub', 'mirror', 'files', 'stored', 'bundled'] as const;
export type SourceTab = (typeof SOURCE_TABS)[number];

/** Opening a model, from the page's side: sources, the download under way, what is stored. */
export interface SourcesState {
  readonly tab: SourceTab;
  /** As typed: the model, and the mirror's address. */
  readonly model: string;
  readonly mirror: string;
  /** Whether a token was given. The token itself is in no state: it lives as long as the page, in one variable. */
  readonly hasToken: boolean;
  /** The model that a link asks for, until something is done about it. Nothing has been fetched then. */
  readonly asked: string | null;
  /** What the host has of the model: to be agreed to. */
  readonly offer: Task<Offer>;
  /** What the engine says of the config.json of the offer: the model, or why it cannot be opened. */
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
  /** What was last asked of the library and failed. */
  readonly problem: { readonly title: string; readonly error: Failure } | null;
  /** Key of the stored checkpoint that is open, and what it is called. */
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
