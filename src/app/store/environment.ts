import { browserSources } from '../../hub/index';
import { browserPageCopy } from '../../storage/page-copy';
import { openStore } from '../../storage/store';
import { openStudents } from '../../storage/students';
import { type Connection, connect, startWorker } from '../../worker/client';
import type { Environment } from './context';

export type { Connection };

/** Browsers may kill a hidden tab without further notice, and some fire only one of these two events. */
function onHide(listener: () => void): void {
  window.addEventListener('pagehide', listener);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') listener();
  });
}

/** Asks for confirmation before the page is left while `isNeeded`. */
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

/** The real environment: a worker, this browser's storage and this address. */
export function browserEnvironment(): Environment {
  const students = openStudents();
  return {
    connect: () => connect(startWorker()),
    storage: openStore(undefined, { students }),
    students,
    sources: browserSources(),
    pageCopy: browserPageCopy(),
    hash: window.location.hash || modelOf(window.location.search),
    onHide,
    pairUrl: new URL('./models/', document.baseURI).href,
  };
}
