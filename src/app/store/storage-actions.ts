import type { ModelReport } from '../../contract/events';
import type { StorageErrors, WeightStorage } from '../../contract/weight-storage';
import type { Context } from './context';
import { type EngineActions, noteLoss } from './engine-actions';
import { remember, stepped } from './history';
import { outlived } from './lens';

/**
 * How the opened model's matrices are stored, and the effect of fewer bits. Each resolves to whether it
 * succeeded.
 */
export interface StorageActions {
  storeWeights(storage: WeightStorage): Promise<boolean>;
  /** Store them as before, and again as afterwards: the files are read anew, as by any change. */
  undoStorage(): Promise<boolean>;
  redoStorage(): Promise<boolean>;
  measureStorage(): Promise<boolean>;
  cancelStorage(): void;
}

export function storageActions(ctx: Context, engine: EngineActions): StorageActions {
  const now = () => ctx.get().lens;
  const opened = ctx.task<ModelReport>({
    get: () => now().opened,
    set: (task) => ctx.lens({ opened: task }),
  });
  const errors = ctx.task<StorageErrors>({
    get: () => now().storage,
    set: (storage) => ctx.lens({ storage }),
  });
  const store = async (storage: WeightStorage): Promise<boolean> => {
    const before = now().opened.value;
    if (before === null || before.storage === storage) return false;
    const outcome = await opened.start(async () => {
      const report = await ctx.engine().storeWeights(storage);
      // Its name and licence may have come from the host it was downloaded from.
      return { ...report, name: before.name, licence: before.licence };
    });
    if (outcome.status === 'failed') noteLoss(ctx, outcome.thrown);
    if (outcome.status !== 'done') return false;
    ctx.set({ wanted: { ...ctx.get().wanted, storage: null } });
    ctx.lens(outlived(now(), ({ kind }) => kind === 'opened'));
    return true;
  };
  const stored = (): WeightStorage => now().opened.value?.storage ?? 'f32';
  const step = async (way: 'undo' | 'redo'): Promise<boolean> => {
    const found = stepped(way, now().storages, stored());
    if (found === null || !(await store(found.settings))) return false;
    ctx.lens({ storages: found.history });
    return true;
  };
  return {
    async storeWeights(storage) {
      const [{ storages }, before] = [now(), stored()];
      if (!(await store(storage))) return false;
      ctx.lens({ storages: remember(storages, before, null) });
      return true;
    },
    undoStorage: () => step('undo'),
    redoStorage: () => step('redo'),
    async measureStorage() {
      const outcome = await errors.start(
        ({ signal, report }) => ctx.engine().storageErrors({ signal, report }),
        engine.deviceReady,
      );
      if (outcome.status === 'failed') noteLoss(ctx, outcome.thrown);
      return outcome.status === 'done';
    },
    cancelStorage: () => errors.cancel(),
  };
}
