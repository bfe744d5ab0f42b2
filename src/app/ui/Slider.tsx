import { Slider as AriaSlider, Label, SliderThumb, SliderTrack } from 'react-aria-components';
import { FieldName, type FieldProps } from './Field';
import { length } from './format';

export interface SliderProps extends FieldProps {
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  readonly onChange: (value: number) => void;
  /** Once the thumb is let go, or a key was pressed: for what takes time. */
  readonly onChangeEnd?: (value: number) => void;
  /** How the value is written; default the number and its unit. */
  readonly format?: (value: number) => string;
}

/** A number between two ends, set by dragging or by arrow keys. */
export function Slider(props: SliderProps) {
  const { value, min, max, step = 1, onChange, onChangeEnd, unit, help, isDisabled = false, error } = props;
  const write = props.format ?? ((number: number) => (unit ? `${number} ${unit}` : `${number}`));
  return (
    <div className="field">
      <AriaSlider
        className="slider"
        value={value}
        minValue={min}
        maxValue={max}
        step={step}
        isDisabled={isDisabled}
        onChange={(next) => onChange(next as number)}
        {...(onChangeEnd && { onChangeEnd: (next: number | number[]) => onChangeEnd(next as number) })}
      >
        <span className="slider-head">
          <Label>
            <FieldName {...props} />
          </Label>
          <output className="slider-value">{write(value)}</output>
        </span>
        <SliderTrack className="slider-track">
          {({ state }) => (
            <>
              <span className="slider-fill" style={{ width: length(state.getThumbPercent(0)) }} />
              <SliderThumb className="slider-thumb" />
            </>
          )}
        </SliderTrack>
        <span className="slider-ends" aria-hidden="true">
          <span>{write(min)}</span>
          <span>{write(max)}</span>
        </span>
      </AriaSlider>
      {help !== undefined && <span className="help">{help}</span>}
      {error !== undefined && <span className="field-error">{error}</span>}
    </div>
  );
}
