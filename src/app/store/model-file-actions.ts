import type { ModelFile, ModelFileRequest } from '../../contract/model-files';
import type { Context } from './context';
import { noteLoss } from './engine-actions';
import type { ModelFileState } from './model-file';

export interface ModelFileActions {
  /** Resolves to the file, or to `null` if none was made; the reason is then in the state. */
  exportModel(request: ModelFileRequest): Promise<ModelFile | null>;
  cancelModelExport(): void;
}

/** Exports a model or a student as a file for other programs. */
export function modelFileActions(ctx: Context): ModelFileActions {
  const set = (change: Partial<ModelFileState>) =>
    ctx.set({ modelFile: { ...ctx.get().modelFile, ...change } });
  const making = ctx.task<Omit<ModelFile, 'blob'>>({
    get: () => ctx.get().modelFile.task,
    set: (task) => set({ task }),
  });
  return {
    async exportModel(request) {
      let made: ModelFile | null = null;
      set({ subject: request.subject.kind });
      const outcome = await making.start(async ({ signal, report }) => {
        made = await ctx.engine().exportModel(request, { signal, report });
        const { blob: _, ...described } = made;
        return described;
      });
      if (outcome.status === 'failed') noteLoss(ctx, outcome.thrown);
      return outcome.status === 'done' ? made : null;
    },
    cancelModelExport: () => making.cancel(),
  };
}
