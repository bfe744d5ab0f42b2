import type { SavedRun } from '../../storage/rows';
import { type DamagedRun, LARGEST_COUNT } from '../../storage/store';
import type { Context } from './context';
import { isActive } from './run';
import { failureOf } from './task';

export type { DamagedRun, SavedRun };

export interface SavedActions {
  /** Reloads the stored runs. Rejects if they cannot be read. */
  refreshSaved(): Promise<void>;
  /** Deletes a stored run, whether readable or not. */
  deleteRun(id: string): Promise<void>;
}

/** Stores the run in progress. */
export interface RunKeeper {
  /** The run has started: it has a row from now on, and other tabs see that it is in progress. */
  begin(): void;
  /** Stores the run's current row; with `due`, at most every ten seconds. */
  keep(when?: 'now' | 'due'): Promise<void>;
  /** The run has ended: stores its final row, which other tabs may now delete. */
  end(): Promise<void>;
}

/** Milliseconds between two writes of an unfinished run: the most that a crashed tab loses. */
const AUTOSAVE = 10_000;
/** Milliseconds between two checks on a run in another tab. */
const LOOK = 5_000;

export function savedActions(ctx: Context): SavedActions {
  let next: ReturnType<typeof setTimeout> | undefined;

  const refreshSaved = async () => {
    clearTimeout(next);
    const { runs, damaged, underWay } = await (await ctx.storage).listRuns();
    // A run that could not be stored is still listed for as long as the page is open.
    const { saved, run } = ctx.get();
    const here = saved.filter(({ id }) => id === run.id && !runs.some((row) => row.id === id));
    ctx.set({ saved: [...here, ...runs], damaged, underWay });
    if ([...underWay].some((id) => id !== run.id))
      next = setTimeout(() => void refreshSaved().catch(() => {}), LOOK);
  };

  return {
    refreshSaved,
    async deleteRun(id) {
      try {
        await (await ctx.storage).deleteRun(id);
        const { saved, damaged } = ctx.get();
        ctx.set({
          saved: saved.filter((row) => row.id !== id),
          damaged: damaged.filter((row) => row.id !== id),
        });
      } catch (thrown) {
        const { message, hint } = failureOf(thrown);
        ctx.notify('warning', `The run could not be deleted: ${message}. ${hint}`);
        await refreshSaved().catch(() => {});
      }
    },
  };
}

export function runKeeper(ctx: Context): RunKeeper {
  let savedAt = 0;

  const keep = async (when: 'now' | 'due' = 'now') => {
    const { id, config, result, series } = ctx.get().run;
    if (!id || !config || (when === 'due' && Date.now() - savedAt < AUTOSAVE)) return;
    const row: SavedRun = { id, savedAt: Date.now(), config, result, series };
    savedAt = row.savedAt;
    ctx.set({
      saved: [row, ...ctx.get().saved.filter((saved) => saved.id !== id)].slice(0, LARGEST_COUNT),
    });
    try {
      await (await ctx.storage).saveRun(row);
    } catch (thrown) {
      const { message, hint } = failureOf(thrown);
      ctx.notify(
        'warning',
        `The run could not be kept in this browser: ${message}. ${hint} To keep it, download it as a file.`,
      );
    }
  };

  const hold = (change: 'beginRun' | 'endRun') => {
    const { id } = ctx.get().run;
    if (id) void ctx.storage.then((store) => store[change](id));
  };

  // A hidden tab may be ended without further notice.
  ctx.onHide(() => {
    if (isActive(ctx.get().run)) void keep();
  });

  return {
    begin() {
      hold('beginRun');
      void keep();
    },
    keep,
    async end() {
      await keep();
      hold('endRun');
      const { run, underWay } = ctx.get();
      ctx.set({ underWay: new Set([...underWay].filter((id) => id !== run.id)) });
    },
  };
}
