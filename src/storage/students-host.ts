import { reportOf } from '../contract/error-report';
import type { EngineErrorReport } from '../contract/events';
import { vouchForOwnScripts } from '../contract/trusted-types';
import { type SnapshotWrite, writeSnapshotFile } from './students-write';

/** The worker that writes snapshots: only workers can flush a file to disk before it is renamed. */

export interface ToWriter extends SnapshotWrite {
  readonly id: number;
}
export type FromWriter =
  | { readonly kind: 'ready' }
  | { readonly kind: 'written'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly error: EngineErrorReport };

vouchForOwnScripts();

const scope = globalThis as unknown as {
  postMessage(message: FromWriter): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<ToWriter>) => void): void;
};

/** Snapshots are written one after another: two of the same run must not remove each other. */
let last: Promise<void> = Promise.resolve();

scope.addEventListener('message', ({ data }) => {
  const { id } = data;
  last = last.then(async () => {
    try {
      await writeSnapshotFile(data);
      scope.postMessage({ kind: 'written', id });
    } catch (thrown) {
      scope.postMessage({ kind: 'failed', id, error: reportOf(thrown) });
    }
  });
});
scope.postMessage({ kind: 'ready' });
