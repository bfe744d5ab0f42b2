import type { ThoughtsReport } from '../../contract/thoughts';
import type { Context } from './context';
import { type EngineActions, noteLoss } from './engine-actions';
import { type ThoughtsDraft, thoughtsErrors, thoughtsRequestOf } from './thoughts';

/** The test of the student's thoughts. Resolves to whether it ran to its end; its report goes into the state. */
export interface ThoughtsActions {
  changeThoughts(change: Partial<ThoughtsDraft>): void;
  runThoughts(): Promise<boolean>;
  cancelThoughts(): void;
}

export function thoughtsActions(ctx: Context, engine: EngineActions): ThoughtsActions {
  const test = ctx.task<ThoughtsReport>({
    get: () => ctx.get().thoughts.task,
    set: (task) => ctx.set({ thoughts: { ...ctx.get().thoughts, task } }),
  });
  return {
    changeThoughts(change) {
      const { thoughts } = ctx.get();
      ctx.set({ thoughts: { ...thoughts, draft: { ...thoughts.draft, ...change } } });
    },
    async runThoughts() {
      const { draft } = ctx.get().thoughts;
      if (thoughtsErrors(draft, null).size > 0) return false;
      const outcome = await test.start(
        ({ signal, report }) => ctx.engine().thoughts(thoughtsRequestOf(draft), { signal, report }),
        engine.pairReady,
      );
      if (outcome.status === 'failed') noteLoss(ctx, outcome.thrown);
      return outcome.status === 'done';
    },
    cancelThoughts: () => test.cancel(),
  };
}
