import { openStore } from '../../storage/store';
import { type Connection, connect, startWorker } from '../../worker/client';
import type { Environment } from './context';

export type { Connection };

/** The real ones: a worker, this browser's storage, this address. */
export function browserEnvironment(): Environment {
  return {
    connect: () => connect(startWorker()),
    storage: openStore(),
    hash: window.location.hash,
    pairUrl: new URL('./models/', document.baseURI).href,
  };
}
