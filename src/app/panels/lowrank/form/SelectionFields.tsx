import { SECTIONS, type Section, type Source } from '../../../../contract/lens';
import type { SubjectId } from '../../../store/lens-draft';
import { Choice, type Option } from '../../../ui/Choice';
import { CheckField, FieldName } from '../../../ui/Field';
import { useSubjects, withValue } from '../../shared/SubjectField';
import { SECTION_WORDS } from '../words';

const NONE = 'none';

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
