import { useMemo } from 'react';
import { SECTIONS, type Section, type Source } from '../../../../contract/lens';
import type { SubjectId } from '../../../store/lens-draft';
import { subjectsOf } from '../../../store/lens-subjects';
import { useApp } from '../../../store/use-app';
import { Choice, type Option } from '../../../ui/Choice';
import { CheckField, FieldName } from '../../../ui/Field';
import { SECTION_WORDS } from '../words';

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

const NONE = 'none';

/** Whose hidden states. */
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

export function OverlayField({
  value,
  error,
  onChange,
}: {
  readonly value: SubjectId | null;
  readonly error: string | undefined;
  readonly onChange: (value: SubjectId | null) => void;
}) {
  const subjects = useSubjects();
  const options: readonly Option<SubjectId | typeof NONE>[] = [
    { id: NONE, label: 'none' },
    ...(value === null ? subjects : withValue(subjects, value)),
  ];
  return (
    <div>
      <Choice
        label={<FieldName label="Compared with" />}
        value={value ?? NONE}
        options={options}
        onChange={(next) => onChange(next === NONE ? null : next)}
      />
      {error && <p className="field-error">{error}</p>}
    </div>
  );
}

/** A subject that a link asks for is named even if it does not exist (any more). */
const withValue = (subjects: readonly Option<SubjectId>[], value: SubjectId) =>
  subjects.some(({ id }) => id === value)
    ? subjects
    : [...subjects, { id: value, label: `${value} (not kept)`, isDisabled: true }];

/** Which parts of the sequence. */
export function SectionsField({
  label,
  source,
  value,
  error,
  onChange,
}: {
  readonly label: string;
  readonly source: Source['kind'];
  readonly value: readonly Section[];
  readonly error: string | undefined;
  readonly onChange: (value: readonly Section[]) => void;
}) {
  const offered = SECTIONS.filter((section) => (section === 'text') === (source === 'texts'));
  return (
    <fieldset className="lens-set">
      <legend>{label}</legend>
      <div className="lens-checks">
        {offered.map((section) => (
          <CheckField
            key={section}
            label={SECTION_WORDS[section]}
            isSelected={value.includes(section)}
            onChange={(on) =>
              onChange(SECTIONS.filter((one) => (one === section ? on : value.includes(one))))
            }
          />
        ))}
      </div>
      {error && <p className="field-error">{error}</p>}
    </fieldset>
  );
}
