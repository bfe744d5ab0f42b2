import type { StudentReport } from '../../contract/events';
import type { Context } from './context';
import { type EngineActions, noteLoss } from './engine-actions';
import { outlived } from './lens';
import { refreshCheckpoints } from './lens-actions';

/** Students stored with their runs. */
export interface StudentActions {
  /** Makes the run's stored student the one that Latents, Low-rank and Generate use. Resolves to whether it succeeded. */
  openStudent(id: string): Promise<boolean>;
  cancelOpenStudent(): void;
  /**
   * The space this browser has left for students: bytes, `null` if it does not say, or why it stores none.
   */
  studentRoom(): Promise<number | null | { readonly unavailable: string }>;
}

export function studentActions(ctx: Context, engine: EngineActions): StudentActions {
  const opening = ctx.task<StudentReport>({
    get: () => ctx.get().opening,
    set: (task) => ctx.set({ opening: task }),
  });
  return {
    async openStudent(id) {
      const row = ctx.get().saved.find((saved) => saved.id === id);
      if (!row) return false;
      const outcome = await opening.start(
        async () => ctx.engine().openStudent(await ctx.students.read(id)),
        () => engine.readyFor(row.config),
      );
      if (outcome.status === 'failed') noteLoss(ctx, outcome.thrown);
      if (outcome.status !== 'done') return false;
      ctx.set({ student: outcome.value, studentConfig: row.config, studentRun: id });
      if (outcome.value.note) ctx.notify('warning', outcome.value.note);
      ctx.latents({ student: 'trained' });
      ctx.lens(outlived(ctx.get().lens, ({ kind }) => kind === 'student'));
      await refreshCheckpoints(ctx);
      return true;
    },
    cancelOpenStudent: () => opening.cancel(),
    async studentRoom() {
      const { unavailable } = ctx.students;
      return unavailable === null ? ctx.students.room().catch(() => null) : { unavailable };
    },
  };
}
