import type { ReactNode } from 'react';
import {
  Button,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Select,
  SelectValue,
  Text,
  ToggleButton,
  ToggleButtonGroup,
} from 'react-aria-components';

export interface Option<T extends string> {
  readonly id: T;
  readonly label: string;
  readonly about?: string;
  readonly isDisabled?: boolean;
}

interface ChoiceProps<T extends string> {
  readonly label: ReactNode;
  readonly value: T;
  readonly options: readonly Option<T>[];
  readonly onChange: (value: T) => void;
  readonly isDisabled?: boolean;
  readonly help?: ReactNode;
}

/** One of a few, all in sight. */
export function Segments<T extends string>({
  label,
  value,
  options,
  onChange,
  isDisabled = false,
  hideLabel = false,
}: ChoiceProps<T> & { readonly label: string; readonly hideLabel?: boolean }) {
  return (
    <div className="segments-field">
      {!hideLabel && <span className="segments-label">{label}</span>}
      <ToggleButtonGroup
        className="segments"
        aria-label={label}
        selectionMode="single"
        disallowEmptySelection
        isDisabled={isDisabled}
        selectedKeys={[value]}
        onSelectionChange={(keys) => {
          const [key] = [...keys];
          if (key !== undefined && key !== value) onChange(key as T);
        }}
      >
        {options.map((option) => (
          <ToggleButton
            key={option.id}
            id={option.id}
            isDisabled={option.isDisabled ?? false}
            className="segment"
          >
            {option.label}
          </ToggleButton>
        ))}
      </ToggleButtonGroup>
    </div>
  );
}

/** One of many, in a list that opens. */
export function Choice<T extends string>({
  label,
  value,
  options,
  onChange,
  isDisabled = false,
  help,
}: ChoiceProps<T>) {
  return (
    <Select
      className="field"
      value={value}
      isDisabled={isDisabled}
      onChange={(key) => key !== null && onChange(key as T)}
    >
      <Label className="field-name">{label}</Label>
      <Button className="select-button">
        <SelectValue className="select-value">{({ selectedText }) => selectedText}</SelectValue>
        <span aria-hidden="true" className="select-arrow" />
      </Button>
      {help !== undefined && (
        <Text slot="description" className="help">
          {help}
        </Text>
      )}
      <Popover className="popover">
        <ListBox className="listbox">
          {options.map((option) => (
            <ListBoxItem
              key={option.id}
              id={option.id}
              textValue={option.label}
              isDisabled={option.isDisabled ?? false}
              className="listbox-item"
            >
              <Text slot="label">{option.label}</Text>
              {option.about && (
                <Text slot="description" className="help">
                  {option.about}
                </Text>
              )}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </Select>
  );
}
