import type { Bounds, DraftBounds, LensDraft, SubjectId } from './lens-draft';
import { subjectOf } from './lens-draft';
import type { AppState } from './state';

/** A subject that may be chosen, and why not, if it may not. */
export interface SubjectChoice {
  readonly id: SubjectId;
  readonly label: string;
  readonly unavailable: string | null;
}

type Known = Pick<AppState, 'pair' | 'studentConfig' | 'lens'>;

/** L and H of the subject, where they are known. The student has the base's. */
export function boundsOf({ pair, lens }: Pick<AppState, 'pair' | 'lens'>, subject: SubjectId): Bounds {
  const { kind } = subjectOf(subject);
  const role = kind === 'student' ? 'base' : kind;
  const model = kind === 'opened' ? lens.opened.value : pair.value?.models.find((m) => m.role === role);
  return { layers: model?.layers ?? null, hidden: model?.hidden ?? null };
}

/** Of the subject and the overlay of a draft. */
export const draftBoundsOf = (
  state: Pick<AppState, 'pair' | 'lens'>,
  { subject, overlay }: Pick<LensDraft, 'subject' | 'overlay'>,
): DraftBounds => ({
  ...boundsOf(state, subject),
  overlayHidden: overlay === null ? null : boundsOf(state, overlay).hidden,
});

/** Everything that there is to look at; the student's checkpoints last, oldest first. */
export function subjectsOf({ studentConfig, lens }: Known): readonly SubjectChoice[] {
  const { checkpoints, opened } = lens;
  return [
    { id: 'teacher', label: 'Teacher', unavailable: null },
    {
      id: 'student',
      label: 'Student, as kept',
      unavailable:
        studentConfig === null && checkpoints.length === 0 ? 'No student is trained yet: run Distil.' : null,
    },
    { id: 'base', label: 'Base, untrained', unavailable: null },
    {
      id: 'opened',
      label: 'Opened checkpoint',
      unavailable: opened.value ? null : 'Open one from its files first, below.',
    },
    ...checkpoints.map(({ id, step }) => ({
      id: `student-${id}` as const,
      label: `Student, step ${step}`,
      unavailable: null,
    })),
  ];
}
