import { type ReactNode, useEffect, useState } from 'react';
import { Checkbox, FieldError, Input, Label, Text, TextField } from 'react-aria-components';
import { Formula } from './Formula';
import { type Limits, limitsText } from './limits';
import { fieldText, readNumber } from './number';

export interface FieldProps {
  readonly label: string;
  /** The sign of the value in the formulas. */
  readonly tex?: string | undefined;
  readonly unit?: string | undefined;
  readonly help?: ReactNode;
  /** Whether the default is a choice of this project, because the paper leaves it open. */
  readonly ours?: boolean;
  readonly error?: string | undefined;
  readonly isDisabled?: boolean;
}

export function FieldName({ label, tex, ours }: Pick<FieldProps, 'label' | 'tex' | 'ours'>) {
  return (
    <span className="field-name">
      {label}
      {tex && <Formula tex={tex} />}
      {ours && (
        <span className="badge" title="The paper leaves this value open: a choice of this project">
          ours
        </span>
      )}
    </span>
  );
}

/**
 * A number typed freely (`1e-3` too). What is no number, or could be two, comes out as NaN, and the field says why;
 * otherwise it shows `error`.
 */
export function NumberField(
  props: FieldProps & {
    readonly value: number;
    /** Whether a whole number is expected. */
    readonly whole?: boolean;
    /** Stated after the help. */
    readonly limits?: Limits | undefined;
    readonly onChange: (value: number) => void;
  },
) {
  const { value, onChange, unit, help, limits, whole = false, isDisabled = false } = props;
  const [text, setText] = useState(() => String(value));
  useEffect(() => {
    setText((now) => fieldText(now, value, whole));
  }, [value, whole]);
  // NaN may also be the value itself, as in a configuration that was refused.
  const error = (Number.isNaN(value) ? readNumber(text, whole).problem : null) ?? props.error;
  return (
    <TextField
      className="field"
      value={text}
      isInvalid={error !== undefined}
      isDisabled={isDisabled}
      onChange={(next) => {
        setText(next);
        onChange(readNumber(next, whole).value);
      }}
    >
      <Label>
        <FieldName {...props} />
      </Label>
      <span className="field-input">
        <Input inputMode="decimal" autoComplete="off" spellCheck={false} />
        {unit && <span className="unit">{unit}</span>}
      </span>
      {(help !== undefined || limits) && (
        <Text slot="description" className="help">
          {help} {limits && `${limitsText(limits.range, unit, limits.usual)}.`}
        </Text>
      )}
      <FieldError className="field-error">{error}</FieldError>
    </TextField>
  );
}

export function CheckField({
  isSelected,
  onChange,
  help,
  isDisabled = false,
  ...props
}: FieldProps & { readonly isSelected: boolean; readonly onChange: (value: boolean) => void }) {
  return (
    <div className="field">
      <Checkbox className="checkbox" isSelected={isSelected} isDisabled={isDisabled} onChange={onChange}>
        {({ isSelected: on }) => (
          <>
            <span className="box" aria-hidden="true">
              {on ? '✓' : ''}
            </span>
            <FieldName {...props} />
          </>
        )}
      </Checkbox>
      {help !== undefined && <span className="help">{help}</span>}
    </div>
  );
}
