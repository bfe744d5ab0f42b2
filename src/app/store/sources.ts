import type { ModelReport } from '../../contract/events';
import { type Offer, SAFETENSORS } from '../../hub/choose';
import type { TransferProgress } from '../../hub/progress';
import { HUB, hostOf } from '../../hub/source';
import type { LibraryList, Room } from '../../storage/checkpoint-library';
import { areVersions, type DownloadPlan, keyOf } from '../../storage/checkpoint-rows';
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

type Stored = Pick<LibraryList, 'whole' | 'unfinished'>;

/** Whether the plan's checkpoint is stored whole: not another version of it, of which the host gives no commit. */
export const isWhole = (plan: DownloadPlan, library: Pick<Stored, 'whole'> | null): boolean =>
  library?.whole.some(({ key, manifest }) => key === keyOf(plan) && !areVersions(plan, manifest)) ?? false;

/**
 * Bytes of a plan already here, and bytes free for this site; `null` if the browser does not say. What is here of
 * another version counts as free: the download replaces it.
 */
export function roomFor(
  plan: DownloadPlan,
  library: Stored | null,
  room: Pick<Room, 'used' | 'quota'> | null,
): { readonly received: number; readonly free: number | null } {
  const { used = null, quota = null } = room ?? {};
  const free = used !== null && quota !== null ? quota - used : null;
  const key = keyOf(plan);
  const begun = library?.unfinished.find((one) => one.key === key);
  const whole = library?.whole.find((one) => one.key === key);
  const other =
    begun && areVersions(plan, begun.plan)
      ? begun.received
      : whole && areVersions(plan, whole.manifest)
        ? whole.bytes
        : null;
  if (other !== null) return { received: 0, free: free === null ? null : free + other };
  return { received: begun?.received ?? 0, free };
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
  /** Why what was typed is not a token. */
  readonly tokenError: Failure | null;
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
  tokenError: null,
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
