import { browserSources } from '../../hub/index';
import { openStore } from '../../storage/store';
import { type Connection, connect, startWorker } from '../../worker/client';
import type { Environment } from './context';

export type { Connection };

/** Hidden tabs may be ended without another word, and some browsers say only one of the two. */
function onHide(listener: () => void): void {
  window.addEventListener('pagehide', listener);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') listener();
  });
}

/** Asks before the page is left while `isNeeded`. */
export function askBeforeLeaving(isNeeded: () => boolean): void {
  window.addEventListener('beforeunload', (event) => {
    if (isNeeded()) event.preventDefault();
  });
}

/** A link may also name the model before the hash: `?model=org/name`. */
function modelOf(search: string): string {
  const model = new URLSearchParams(search).get('model');
  return model === null ? '' : `#/model?${new URLSearchParams({ model })}`;
}

/** The real ones: a worker, this browser's storage, this address. */
export function browserEnvironment(): Environment {
  return {
    connect: () => connect(startWorker()),
    storage: openStore(),
    sources: browserSources(),
    hash: window.location.hash || modelOf(window.location.search),
    onHide,
    pairUrl: new URL('./models/', document.baseURI).href,
  };
}
