import { FieldError, Input, Label, Text, TextArea, TextField } from 'react-aria-components';
import { FieldName, type FieldProps } from './Field';

/** A line of text, or several. */
export function TextEntry({
  value,
  onChange,
  rows = 1,
  placeholder = '',
  isSecret = false,
  ...field
}: FieldProps & {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly rows?: number;
  readonly placeholder?: string;
  /** Shown as dots, and offered to no password manager. */
  readonly isSecret?: boolean;
}) {
  const { error, help, isDisabled = false } = field;
  return (
    <TextField
      className="field"
      value={value}
      isInvalid={error !== undefined}
      isDisabled={isDisabled}
      onChange={onChange}
    >
      <Label>
        <FieldName {...field} />
      </Label>
      {rows > 1 ? (
        <TextArea rows={rows} placeholder={placeholder} />
      ) : (
        <Input
          type={isSecret ? 'password' : 'text'}
          autoComplete={isSecret ? 'new-password' : 'off'}
          autoCapitalize="none"
          spellCheck={false}
          placeholder={placeholder}
        />
      )}
      {help !== undefined && (
        <Text slot="description" className="help">
          {help}
        </Text>
      )}
      <FieldError className="field-error">{error}</FieldError>
    </TextField>
  );
}
