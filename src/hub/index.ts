import { type CheckpointLibrary, noLibrary, openLibrary } from '../storage/checkpoint-library';
import type { DownloadPlan } from '../storage/checkpoint-rows';
import { inspect, type Offer, offerOf } from './choose';
import { type StartOptions, startDownload } from './client';
import { HubError } from './errors';
import type { HubAccess } from './listing';
import type { HubSource } from './source';

/** Where models come from besides the person's own files: a host, and what is stored of it. */
export interface ModelSources {
  readonly library: CheckpointLibrary;
  /** Asks the host what the model's files are. Rejects with `HubError`. */
  lookUp(source: HubSource, access: HubAccess): Promise<Offer>;
  /** Downloads into the library. Aborting keeps what has arrived. */
  download(plan: DownloadPlan, options: StartOptions): Promise<void>;
}

/** The real ones. Nothing is asked of any host before one of the functions is called. */
export const browserSources = (): ModelSources => ({
  library: openLibrary(),
  lookUp: async (source, access) => offerOf(await inspect(source, access)),
  download: startDownload,
});

const none = async (): Promise<never> => {
  throw new HubError('network', 'this page has no way to a host', 'Open the model from a folder.');
};

export const noSources: ModelSources = {
  library: noLibrary('this page has no storage'),
  lookUp: none,
  download: none,
};
