import { type ReactNode, useEffect, useState } from 'react';
import { Checkbox, FieldError, Input, Label, Text, TextField } from 'react-aria-components';
import { Formula } from './Formula';

export interface FieldProps {
  readonly label: string;
  /** The sign of the value in the formulas. */
  readonly tex?: string | undefined;
  readonly unit?: string | undefined;
  readonly help?: ReactNode;
  /** A choice of this project that the paper leaves open. */
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
        <span className="badge" title="The paper does not give this value: a choice of this project">
          ours
        </span>
      )}
    </span>
  );
}

/** A number typed freely (`1e-3` too). What is no number comes out as NaN, so that validation can name it. */
export function NumberField(
  props: FieldProps & { readonly value: number; readonly onChange: (value: number) => void },
) {
  const { value, onChange, error, unit, help, isDisabled = false } = props;
  const [text, setText] = useState(() => String(value));
  useEffect(() => {
    // A preset or a file changed the value: the text follows, but not while it already says the same.
    setText((now) => (Object.is(read(now), value) ? now : Number.isNaN(value) ? now : String(value)));
  }, [value]);
  return (
    <TextField
      className="field"
      value={text}
      isInvalid={error !== undefined}
      isDisabled={isDisabled}
      onChange={(next) => {
        setText(next);
        onChange(read(next));
      }}
    >
      <Label>
        <FieldName {...props} />
      </Label>
      <span className="field-input">
        <Input inputMode="decimal" autoComplete="off" spellCheck={false} />
        {unit && <span className="unit">{unit}</span>}
      </span>
      {help !== undefined && (
        <Text slot="description" className="help">
          {help}
        </Text>
      )}
      <FieldError className="field-error">{error}</FieldError>
    </TextField>
  );
}

const read = (text: string) => (text.trim() === '' ? Number.NaN : Number(text.trim().replace(',', '.')));

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
