import { useEffect, useState } from 'react';
import { FieldError, Input, Label, Text, TextField } from 'react-aria-components';
import { FieldName, type FieldProps } from './Field';
import { type Bounds, formatRanges, parseRanges } from './range-list';

/** Whole numbers as `1-4, 8`. What cannot be read comes out as `null`, and the field says why. */
export function RangeField(
  props: FieldProps &
    Bounds & {
      readonly value: readonly number[] | null;
      readonly onChange: (value: readonly number[] | null) => void;
    },
) {
  const { value, onChange, least, most, name, error, unit, help, isDisabled = false } = props;
  const [text, setText] = useState(() => (value ? formatRanges(value) : ''));
  const read = parseRanges(text, { least, most, name });
  const given = value ? formatRanges(value) : null;
  useEffect(() => {
    // The value came from elsewhere: the text follows, but not while it already says the same.
    if (given === null) return;
    setText((now) => {
      const { values } = parseRanges(now, { least, most, name });
      return values && formatRanges(values) === given ? now : given;
    });
  }, [given, least, most, name]);
  const shown = error ?? read.error ?? undefined;
  return (
    <TextField
      className="field"
      value={text}
      isInvalid={shown !== undefined}
      isDisabled={isDisabled}
      onChange={(next) => {
        setText(next);
        onChange(parseRanges(next, { least, most, name }).values);
      }}
    >
      <Label>
        <FieldName {...props} />
      </Label>
      <span className="field-input">
        <Input inputMode="text" autoComplete="off" spellCheck={false} />
        {unit && <span className="unit">{unit}</span>}
      </span>
      {help !== undefined && (
        <Text slot="description" className="help">
          {help}
        </Text>
      )}
      <FieldError className="field-error">{shown}</FieldError>
    </TextField>
  );
}
