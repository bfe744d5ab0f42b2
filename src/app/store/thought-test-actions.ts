import type { ThoughtTestReport } from '../../contract/thought-test';
import type { Context } from './context';
import { type EngineActions, noteLoss } from './engine-actions';
import { thoughtTestErrors, thoughtTestRequestOf } from './thought-test';

/** The test of the student's thoughts. Resolves to whether it ran to its end; its report goes into the state. */
export interface ThoughtTestActions {
  runThoughtTest(): Promise<boolean>;
  cancelThoughtTest(): void;
}

export function thoughtTestActions(ctx: Context, engine: EngineActions): ThoughtTestActions {
  const test = ctx.task<ThoughtTestReport>({
    get: () => ctx.get().thoughtTest.task,
    set: (task) => ctx.set({ thoughtTest: { ...ctx.get().thoughtTest, task } }),
  });
  return {
    async runThoughtTest() {
      const { draft } = ctx.get().forms.thoughtTest;
      if (thoughtTestErrors(draft, null).size > 0) return false;
      const outcome = await test.start(
        ({ signal, report }) => ctx.engine().testThoughts(thoughtTestRequestOf(draft), { signal, report }),
        () => engine.problemsReady(thoughtTestRequestOf(draft)),
      );
      if (outcome.status === 'failed') noteLoss(ctx, outcome.thrown);
      return outcome.status === 'done';
    },
    cancelThoughtTest: () => test.cancel(),
  };
}
