import type { StoppingReport } from '../../contract/stopping';
import type { Context } from './context';
import { type EngineActions, noteLoss } from './engine-actions';
import { stoppingErrors, stoppingRequestOf } from './stopping';

/** Counterfactual stopping. Resolves to whether it ran to its end; its report goes into the state. */
export interface StoppingActions {
  runStopping(): Promise<boolean>;
  cancelStopping(): void;
}

export function stoppingActions(ctx: Context, engine: EngineActions): StoppingActions {
  const now = () => ctx.get().stopping;
  const test = ctx.task<StoppingReport>({
    get: () => now().task,
    set: (task) => ctx.set({ stopping: { ...now(), task } }),
  });
  return {
    async runStopping() {
      const { draft } = ctx.get().forms.stopping;
      if (stoppingErrors(draft).size > 0) return false;
      const outcome = await test.start(
        ({ signal, report }) => ctx.engine().stopping(stoppingRequestOf(draft), { signal, report }),
        () => engine.problemsReady(stoppingRequestOf(draft)),
      );
      if (outcome.status === 'failed') noteLoss(ctx, outcome.thrown);
      return outcome.status === 'done';
    },
    cancelStopping: () => test.cancel(),
  };
}
