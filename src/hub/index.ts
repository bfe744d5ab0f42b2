import { type CheckpointLibrary, noLibrary, openLibrary } from '../storage/checkpoint-library';
import type { DownloadPlan } from '../storage/checkpoint-rows';
import { inspect, type Offer, offerOf } from './choose';
import { type StartOptions, startDownload } from './client';
import { HubError } from './errors';
import type { HubAccess } from './listing';
import type { HubSource } from './source';

/** Where models come from besides the user's own files: a host, and the library of stored downloads. */
export interface ModelSources {
  readonly library: CheckpointLibrary;
  /** Asks the host for the model's files. Rejects with `HubError`. */
  lookUp(source: HubSource, access: HubAccess): Promise<Offer>;
  /** Downloads into the library. Aborting keeps what has arrived. */
  download(plan: DownloadPlan, options: StartOptions): Promise<void>;
}

/** The real ones. No host is contacted before one of the functions is called. */
export const browserSources = (): ModelSources => ({
  library: openLibrary(),
  lookUp: async (source, access) => offerOf(await inspect(source, access)),
  download: startDownload,
});

const none = async (): Promise<never> => {
  throw new HubError('network', 'this page cannot reach a host', 'Open the model from a folder.');
};

export const noSources: ModelSources = {
  library: noLibrary('this page has no storage'),
  lookUp: none,
  download: none,
};
