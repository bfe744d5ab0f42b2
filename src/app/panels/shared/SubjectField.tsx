import { useMemo } from 'react';
import type { SubjectId } from '../../store/lens-draft';
import { subjectsOf } from '../../store/lens-subjects';
import { useApp } from '../../store/use-app';
import { Choice, type Option } from '../../ui/Choice';
import { FieldName } from '../../ui/Field';

/** The subjects as options; one that cannot be chosen says why. */
export function useSubjects(): readonly Option<SubjectId>[] {
  const methods = useApp((state) => state.methods);
  const studentConfig = useApp((state) => state.studentConfig);
  const student = useApp((state) => state.student);
  const lens = useApp((state) => state.lens);
  const run = useApp((state) => state.run);
  return useMemo(
    () =>
      subjectsOf({ methods, studentConfig, student, lens, run }).map(({ id, label, unavailable }) => ({
        id,
        label,
        isDisabled: unavailable !== null,
        ...(unavailable !== null && { about: unavailable }),
      })),
    [methods, studentConfig, student, lens, run],
  );
}

/** A subject that a link asks for is named even if it does not exist (any more). */
export const withValue = (subjects: readonly Option<SubjectId>[], value: SubjectId) =>
  subjects.some(({ id }) => id === value)
    ? subjects
    : [...subjects, { id: value, label: `${value} (not kept)`, isDisabled: true }];

/** Which model. */
export function SubjectField({
  label,
  value,
  onChange,
}: {
  readonly label: string;
  readonly value: SubjectId;
  readonly onChange: (value: SubjectId) => void;
}) {
  const subjects = useSubjects();
  // A link may ask for one that cannot be used yet.
  const why = subjects.find(({ id, isDisabled }) => id === value && isDisabled)?.about;
  return (
    <Choice
      label={<FieldName label={label} />}
      value={value}
      {...(why !== undefined && { help: why })}
      options={withValue(subjects, value)}
      onChange={onChange}
    />
  );
}
