import type { TeacherSource } from '../../contract/roles';
import type { Context } from './context';
import { draftErrors, withValue } from './draft';
import type { EngineActions } from './engine-actions';
import { latestOnly } from './latest';
import { needsPair, type RoleField, withRole } from './role-choice';
import { editDraft } from './run-draft';
import { done, failed, failureOf, idle, sentencesOf } from './task';

/** Who learns from whom on what, and what it would cost. */
export interface RoleActions {
  /** Chooses the student, the teacher or the data; a notice says what else had to change. */
  chooseRole(field: RoleField, value: string): void;
  /** Estimates the cost of the form's run; no estimate while its models or data are missing. */
  estimateRun(): Promise<void>;
  /**
   * Keeps the current student, the opened model, or a run's stored student (by the run's id) as teacher for
   * the next run, and chooses it.
   */
  keepTeacher(of?: 'student' | 'opened' | { readonly run: string }): Promise<boolean>;
}

const WHAT = { student: 'The student', opened: 'The opened model' } as const;

export function roleActions(ctx: Context, readyFor: EngineActions['readyFor']): RoleActions {
  /** Of concurrent estimates, only the last is shown. */
  const estimating = latestOnly();
  const sourceOf = async (of: 'student' | 'opened' | { readonly run: string }): Promise<TeacherSource> => {
    if (typeof of === 'string') return { kind: of };
    const row = ctx.get().saved.find(({ id }) => id === of.run);
    if (row && !(await readyFor(row.config)))
      throw new Error('what the run was trained on could not be loaded');
    return { kind: 'run', file: await ctx.students.read(of.run) };
  };
  return {
    chooseRole(field, value) {
      const { draft, data } = ctx.get();
      const { config, notes } = withRole(draft, field, value, data.report.value);
      for (const note of notes) ctx.notify('info', note);
      editDraft(ctx, { draft: config });
    },
    async estimateRun() {
      const signal = estimating();
      const { draft, device, cost, lens, data, methods, pair } = ctx.get();
      const isThere =
        (draft.roles.student !== 'opened' || lens.opened.value !== null) &&
        (!needsPair(draft) || pair.value !== null) &&
        (draft.roles.data !== 'opened' || data.report.value !== null);
      const isOwn = draft.roles.student === 'opened' || draft.roles.data === 'opened';
      if (!isOwn || !isThere || device.status !== 'done' || draftErrors(draft, methods).size > 0)
        return ctx.set({ cost: idle });
      try {
        const found = await ctx.engine().runCost(draft, { signal });
        if (!signal.aborted) ctx.set({ cost: done(found) });
      } catch (thrown) {
        if (!signal.aborted) ctx.set({ cost: failed(failureOf(thrown), cost.value) });
      }
    },
    async keepTeacher(of = 'student') {
      try {
        const kept = await ctx.engine().keepTeacher(await sourceOf(of));
        ctx.set({ teacher: kept });
        editDraft(ctx, { draft: withValue(ctx.get().draft, 'roles.teacher', 'kept') });
        const next = of === 'opened' ? ' It stays so when another model is opened as the student.' : '';
        const note = kept.note ? ` ${kept.note}` : '';
        ctx.notify(note ? 'warning' : 'info', `${kept.label} is the teacher of the next run.${next}${note}`);
        return true;
      } catch (thrown) {
        ctx.notify(
          'warning',
          `${WHAT[typeof of === 'string' ? of : 'student']} was not kept as teacher: ${sentencesOf(thrown)}`,
        );
        return false;
      }
    },
  };
}
