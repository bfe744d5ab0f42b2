import type { ModelReport } from '../../contract/events';
import type { StorageErrors, WeightStorage } from '../../contract/weight-storage';
import type { Context } from './context';
import { type EngineActions, noteLoss } from './engine-actions';
import { outlived } from './lens';

/**
 * How the opened model's matrices are stored, and the effect of fewer bits. Each resolves to whether it
 * succeeded.
 */
export interface StorageActions {
  storeWeights(storage: WeightStorage): Promise<boolean>;
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
  return {
    async storeWeights(storage) {
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
    },
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
