import { Checkbox, CheckboxGroup, FieldError, Label, Text } from 'react-aria-components';
import type { Option } from './Choice';
import { FieldName, type FieldProps } from './Field';

/** Any of a few, all in sight. */
export function MultiChoice<T extends string>(
  props: FieldProps & {
    readonly value: readonly T[];
    readonly options: readonly Option<T>[];
    /** In the order of the options. */
    readonly onChange: (value: readonly T[]) => void;
  },
) {
  const { value, options, onChange, help, error, isDisabled = false } = props;
  return (
    <CheckboxGroup
      className="field multi-choice"
      value={[...value]}
      isDisabled={isDisabled}
      isInvalid={error !== undefined}
      onChange={(next) => onChange(options.map(({ id }) => id).filter((id) => next.includes(id)))}
    >
      <Label>
        <FieldName {...props} />
      </Label>
      <div className="multi-choice-options">
        {options.map((option) => (
          <Checkbox
            key={option.id}
            value={option.id}
            isDisabled={option.isDisabled ?? false}
            className="checkbox"
          >
            {({ isSelected }) => (
              <>
                <span className="box" aria-hidden="true">
                  {isSelected ? '✓' : ''}
                </span>
                <span>
                  {option.label}
                  {option.about && <span className="help multi-choice-about">{option.about}</span>}
                </span>
              </>
            )}
          </Checkbox>
        ))}
      </div>
      {help !== undefined && (
        <Text slot="description" className="help">
          {help}
        </Text>
      )}
      <FieldError className="field-error">{error}</FieldError>
    </CheckboxGroup>
  );
}
