import { shorten } from '../../text/quote';
import type { Bounds, DraftBounds, LensDraft, SubjectId } from './lens-draft';
import { subjectOf } from './lens-draft';
import { isActive } from './run';
import type { AppState } from './state';
import { studentLine, studentOf } from './student';

/** A subject, and, if it cannot be chosen, the reason. */
export interface SubjectChoice {
  readonly id: SubjectId;
  readonly label: string;
  readonly unavailable: string | null;
}

type Known = Pick<AppState, 'methods' | 'studentConfig' | 'student' | 'lens' | 'run'>;

/** L and H of the subject, if known. The student shares the base's. */
export function boundsOf({ pair, lens }: Pick<AppState, 'pair' | 'lens'>, subject: SubjectId): Bounds {
  const { kind } = subjectOf(subject);
  const role = kind === 'student' ? 'base' : kind;
  const model = kind === 'opened' ? lens.opened.value : pair.value?.models.find((m) => m.role === role);
  return { layers: model?.layers ?? null, hidden: model?.hidden ?? null };
}

/** Sizes of a draft's subject and overlay. */
export const draftBoundsOf = (
  state: Pick<AppState, 'pair' | 'lens'>,
  { subject, overlay }: Pick<LensDraft, 'subject' | 'overlay'>,
): DraftBounds => ({
  ...boundsOf(state, subject),
  overlayHidden: overlay === null ? null : boundsOf(state, overlay).hidden,
});

/** Whether a subject can be chosen. */
export const isAvailable = (state: Known, subject: SubjectId): boolean =>
  subjectsOf(state).some(({ id, unavailable }) => id === subject && unavailable === null);

/** All subjects; the student's checkpoints come last, oldest first. */
export function subjectsOf({ methods, studentConfig, student, lens, run }: Known): readonly SubjectChoice[] {
  const { checkpoints, opened } = lens;
  const ofRun = run.config === null ? null : studentOf(run.id ?? '', run.config, 0, methods);
  return [
    { id: 'teacher', label: 'Teacher', unavailable: null },
    {
      id: 'student',
      label:
        student === null
          ? 'Student'
          : `Student: ${studentLine(student)}${isActive(run) ? ' (of the previous run)' : ''}`,
      unavailable: studentConfig === null ? 'No student has finished training yet: run Distil.' : null,
    },
    { id: 'base', label: 'Base, before distillation', unavailable: null },
    {
      id: 'opened',
      label: opened.value ? `Opened: ${shorten(opened.value.name, 60)}` : 'Opened model',
      unavailable: opened.value ? null : 'Open one in Model first.',
    },
    ...checkpoints.map(({ id, step, student: own }) => {
      const report = own ?? (ofRun && { ...ofRun, step });
      return {
        id: `student-${id}` as const,
        label: report ? `Checkpoint: ${studentLine(report)}` : `Checkpoint, step ${step}`,
        unavailable: null,
      };
    }),
  ];
}
