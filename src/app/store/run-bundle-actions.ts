import type { ModelFile } from '../../contract/model-files';
import type { RunFormat } from '../../contract/run-bundle';
import { StorageError } from '../../storage/errors';
import type { Context } from './context';
import { type EngineActions, noteLoss } from './engine-actions';
import { runName } from './run-names';
import type { RunZipState } from './run-zip';
import type { SavedActions } from './saved-actions';

export interface RunBundleActions {
  /** A stored run as a zip; `null` if none was made; the reason is then in the state. */
  exportRun(id: string, format: RunFormat): Promise<ModelFile | null>;
  cancelRunZip(): void;
  /** Adds a run bundle to the stored runs. Resolves to the run's id; rejects if it cannot be added. */
  openRunBundle(name: string, data: Blob): Promise<string>;
}

export function runBundleActions(
  ctx: Context,
  engine: EngineActions,
  { refreshSaved }: Pick<SavedActions, 'refreshSaved'>,
): RunBundleActions {
  const set = (change: Partial<RunZipState>) => ctx.set({ runZip: { ...ctx.get().runZip, ...change } });
  const making = ctx.task<Omit<ModelFile, 'blob'>>({
    get: () => ctx.get().runZip.task,
    set: (task) => set({ task }),
  });
  return {
    async exportRun(id, format) {
      const run = ctx.get().saved.find((saved) => saved.id === id);
      if (!run) return null;
      let made: ModelFile | null = null;
      set({ run: id });
      const outcome = await making.start(
        async ({ signal, report }) => {
          const student = await ctx.students.read(id);
          made = await ctx.engine().exportRun({ format, run, student }, { signal, report });
          const { blob: _, ...described } = made;
          return described;
        },
        // A PyTorch program includes the model's weights; a bundle only names them.
        format === 'torch' ? () => engine.readyFor(run.config) : undefined,
      );
      if (outcome.status === 'failed') noteLoss(ctx, outcome.thrown);
      return outcome.status === 'done' ? made : null;
    },
    cancelRunZip: () => making.cancel(),
    async openRunBundle(name, data) {
      const opened = await ctx.engine().openRun({ name, data });
      const { run, student: file, step, steps, status, notes } = opened;
      const { saved, damaged, methods } = ctx.get();
      if ([...saved, ...damaged].some(({ id }) => id === run.id))
        throw new StorageError(
          `the run “${runName(run, methods)}” is already among the kept runs`,
          'Delete it there first if the bundle is to take its place.',
        );
      if (ctx.students.unavailable !== null)
        throw new StorageError(
          `runs with their students cannot be kept here: ${ctx.students.unavailable}`,
          'Open the page in a browser that keeps files, or resume the bundle on the command line: npm run lab -- distil --resume.',
        );
      // The student first: a row without its student would be offered wrongly.
      await ctx.students.write(run.id, { step, steps, status, file });
      try {
        await (await ctx.storage).putRun(run);
      } catch (thrown) {
        await ctx.students.remove(run.id).catch(() => {});
        throw thrown;
      }
      for (const note of notes) ctx.notify('info', note);
      await refreshSaved();
      return run.id;
    },
  };
}
