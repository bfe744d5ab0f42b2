import type { Context } from './context';
import type { PageCopyState } from './page-copy';
import { failed, failureOf } from './task';

export interface PageCopyActions {
  /** Looks up what is kept of the page; asks nobody but its host. */
  lookAtPageCopy(): Promise<void>;
  /** Keeps the page's files in this browser. Resolves to whether it succeeded. */
  keepPage(): Promise<boolean>;
  cancelKeepingPage(): void;
  dropPage(): Promise<void>;
}

/** @param changed is called when the site takes more or less room */
export function pageCopyActions(ctx: Context, changed: () => Promise<void>): PageCopyActions {
  const now = () => ctx.get().pageCopy;
  const set = (change: Partial<PageCopyState>) => ctx.set({ pageCopy: { ...now(), ...change } });
  const keeping = ctx.task<true>({ get: () => now().keeping, set: (task) => set({ keeping: task }) });
  const { pageCopy } = ctx;
  const actions: PageCopyActions = {
    async lookAtPageCopy() {
      try {
        set({ unavailable: pageCopy.unavailable, copies: await pageCopy.look() });
      } catch (thrown) {
        set({ keeping: failed(failureOf(thrown)) });
      }
    },
    async keepPage() {
      set({ progress: null });
      const { status } = await keeping.start(async ({ signal }) => {
        await pageCopy.keep({ signal, report: (done, total) => set({ progress: { done, total } }) });
        return true;
      });
      await Promise.all([actions.lookAtPageCopy(), changed()]);
      return status === 'done';
    },
    cancelKeepingPage: () => keeping.cancel(),
    async dropPage() {
      try {
        await pageCopy.drop();
      } catch (thrown) {
        set({ keeping: failed(failureOf(thrown)) });
      }
      await Promise.all([actions.lookAtPageCopy(), changed()]);
    },
  };
  return actions;
}
