import type { SavedRun } from '../../contract/saved-run';
import type { DamagedRow, Labels } from '../../storage/rows';
import { surplusOf } from '../../storage/store';
import type { KeptStudent } from '../../storage/students';
import type { Context } from './context';
import { isActive } from './run';
import type { AppState } from './state';
import { failureOf, sentencesOf } from './task';

export type { DamagedRow };

export interface SavedActions {
  /** Reloads the stored runs. Rejects if they cannot be read. */
  refreshSaved(): Promise<void>;
  /** Deletes a stored run, whether readable or not. A readable one can be restored until another is deleted or the page is left. */
  deleteRun(id: string): Promise<void>;
  /** Restores the run deleted last, with its student. */
  undoDelete(): Promise<void>;
  /** Renames or tags a run, or sets it aside. */
  labelRun(id: string, change: Labels): Promise<void>;
  /** Adds a run to the compared ones, or removes it. */
  compareRun(id: string, isCompared: boolean): void;
  /** Offers to resume the latest interrupted run, unless it was set aside. */
  offerInterrupted(): void;
}

/** Stores the run in progress. */
export interface RunAutosave {
  /** The run has started: it has a row from now on, and other tabs see that it is in progress. @param tags of a new row */
  begin(tags?: readonly string[]): void;
  /** Stores the run's current row; with `due`, at most every ten seconds. */
  keep(when?: 'now' | 'due'): Promise<void>;
  /** The run has ended: stores its final row, which other tabs may now delete. */
  end(): Promise<void>;
}

/** Milliseconds between two writes of an unfinished run: the most that a crashed tab can lose. */
const AUTOSAVE = 3_000;
/** Milliseconds between two checks on a run in another tab. */
const LOOK = 5_000;

/** Whether the run ended because a loss was not finite: resumed from its snapshot, it would end there again. */
export const hasDiverged = ({ result, series }: SavedRun): boolean => {
  const last = series.losses.total?.at(-1);
  return result === null && last !== undefined && !Number.isFinite(last);
};

/** Interrupted runs that have a snapshot and that no tab is training, latest first. */
export const interruptedRuns = ({
  saved,
  kept,
  underWay,
}: Pick<AppState, 'saved' | 'kept' | 'underWay'>): readonly SavedRun[] =>
  saved.filter((run) => {
    const { id, result } = run;
    const status = kept.get(id)?.status;
    if (hasDiverged(run)) return false;
    return result === null && !underWay.has(id) && (status === 'training' || status === 'stopped');
  });

export function savedActions(ctx: Context): SavedActions {
  let next: ReturnType<typeof setTimeout> | undefined;

  const refreshSaved = async () => {
    clearTimeout(next);
    const [{ runs, damaged, underWay }, students] = await Promise.all([
      ctx.storage.then((store) => store.listRuns()),
      ctx.students.list().catch(unlisted),
    ]);
    // A run that could not be stored is still listed for as long as the page is open.
    const { saved, run, deleted } = ctx.get();
    const here = saved.filter(({ id }) => id === run.id && !runs.some((row) => row.id === id));
    const kept = new Map(students.map((student) => [student.run, student]));
    const all = [...here, ...runs];
    const known = new Set([...all, ...damaged, deleted].map((row) => row?.id));
    const orphans = students.filter(({ run: id }) => !known.has(id) && !underWay.has(id));
    ctx.set({ saved: all, damaged: [...damaged, ...orphans.map(asDamaged)], underWay, kept });
    if ([...underWay].some((id) => id !== run.id))
      next = setTimeout(() => void refreshSaved().catch(() => {}), LOOK);
  };

  const unlisted = (thrown: unknown): readonly KeptStudent[] => {
    ctx.notify('warning', `Kept students could not be listed: ${failureOf(thrown).message}`);
    return [];
  };

  const write = async (row: SavedRun, what: string) => {
    try {
      await (await ctx.storage).putRun(row);
    } catch (thrown) {
      ctx.notify('warning', `The run could not be ${what}: ${sentencesOf(thrown)}`);
    }
  };

  /** Deletes the student of the previously deleted run for good. */
  const forget = async () => {
    const { deleted } = ctx.get();
    ctx.set({ deleted: null });
    if (deleted) await ctx.students.remove(deleted.id);
  };
  ctx.onHide(() => {
    // The page may come back, but the deleted run can no longer be restored then.
    void forget().catch(() => {});
  });

  return {
    refreshSaved,
    async deleteRun(id) {
      try {
        await forget();
        await (await ctx.storage).deleteRun(id);
        const { saved, damaged, offered, compared } = ctx.get();
        const deleted = saved.find((row) => row.id === id) ?? null;
        ctx.set({
          deleted,
          saved: saved.filter((row) => row.id !== id),
          damaged: damaged.filter((row) => row.id !== id),
          compared: compared.filter((other) => other !== id),
          ...(offered === id && { offered: null }),
        });
        // Without a row there is nothing to restore.
        if (deleted === null) await ctx.students.remove(id);
      } catch (thrown) {
        ctx.notify('warning', `The run could not be deleted: ${sentencesOf(thrown)}`);
        await refreshSaved().catch(() => {});
      }
    },
    async undoDelete() {
      const { deleted: row, saved } = ctx.get();
      if (!row) return;
      ctx.set({ deleted: null, saved: [...saved, row].sort((a, b) => b.savedAt - a.savedAt) });
      await write(row, 'restored');
    },
    async labelRun(id, change) {
      const row = ctx.get().saved.find((one) => one.id === id);
      if (!row) return;
      const next = { ...row, ...change };
      ctx.set({
        saved: ctx.get().saved.map((one) => (one.id === id ? next : one)),
        ...(change.isSetAside && ctx.get().offered === id && { offered: null }),
      });
      await write(next, 'labelled');
    },
    compareRun(id, isCompared) {
      const others = ctx.get().compared.filter((other) => other !== id);
      ctx.set({ compared: isCompared ? [...others, id] : others });
    },
    offerInterrupted() {
      const [latest] = interruptedRuns(ctx.get()).filter(({ isSetAside }) => !isSetAside);
      ctx.set({ offered: latest?.id ?? null });
    },
  };
}

/** A student whose run has no row: it can only be deleted. */
const asDamaged = ({ run, step, steps, bytes }: KeptStudent): DamagedRow => ({
  id: run,
  reason: `its entry is missing; its student at step ${step} of ${steps} takes ${(bytes / 2 ** 20).toFixed(1)} MB`,
});

export function runAutosave(ctx: Context): RunAutosave {
  let savedAt = 0;
  let given: readonly string[] = [];

  const keep = async (when: 'now' | 'due' = 'now') => {
    const { id, config, result, series } = ctx.get().run;
    if (!id || !config || (when === 'due' && Date.now() - savedAt < AUTOSAVE)) return;
    const before = ctx.get().saved.find((saved) => saved.id === id);
    const { name = undefined, tags = undefined } = before ?? {
      tags: given.length > 0 ? [...given] : undefined,
    };
    const row: SavedRun = {
      ...{ id, savedAt: Date.now(), config, result, series },
      ...(name !== undefined && { name }),
      ...(tags !== undefined && { tags }),
    };
    savedAt = row.savedAt;
    const { saved, kept } = ctx.get();
    // As in storage: runs whose student is stored are never dropped.
    const rows = [row, ...saved.filter((other) => other.id !== id)];
    const others = surplusOf(rows, (other) => kept.has(other));
    ctx.set({ saved: rows.filter((other) => !others.includes(other)) });
    try {
      await (await ctx.storage).saveRun(row);
    } catch (thrown) {
      ctx.notify(
        'warning',
        `The run could not be kept in this browser: ${sentencesOf(thrown)} To keep it, download it as a file.`,
      );
    }
  };

  const hold = (change: 'beginRun' | 'endRun') => {
    const { id } = ctx.get().run;
    if (id) void ctx.storage.then((store) => store[change](id));
  };

  // A hidden tab may be killed without further notice.
  ctx.onHide(() => {
    if (isActive(ctx.get().run)) void keep();
  });

  return {
    begin(tags = []) {
      given = tags;
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
