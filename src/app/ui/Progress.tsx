import { useState } from 'react';
import { ProgressBar as AriaProgressBar, Label } from 'react-aria-components';
import { Button } from './Button';
import { bytes, duration, integer, remaining } from './format';

export interface ProgressProps {
  readonly label: string;
  readonly done?: number;
  /** 0 where it is unknown. */
  readonly total?: number;
  readonly unit?: string;
  /** Milliseconds since it began. */
  readonly elapsed?: number;
  readonly onCancel?: (() => void) | undefined;
  readonly cancelLabel?: string;
}

/** What is under way: how much of how much, how long it will take, and a way out. */
export function Progress({
  label,
  done = 0,
  total = 0,
  unit = '',
  elapsed = 0,
  onCancel,
  cancelLabel = 'Cancel',
}: ProgressProps) {
  // A step that is under way is waited for.
  const [cancelled, setCancelled] = useState(false);
  const known = total > 0;
  const amount = (n: number) => (unit === 'bytes' ? bytes(n) : integer(n));
  const left = remaining(done, total, elapsed);
  const text = [
    known
      ? `${amount(done)} of ${amount(total)}${unit === 'bytes' ? '' : ` ${unit}`}`
      : done > 0
        ? `${amount(done)} ${unit}`
        : null,
    left !== null ? `about ${left} left` : elapsed >= 1000 ? duration(elapsed) : null,
  ].filter((part) => part !== null);
  return (
    <div className="progress">
      <AriaProgressBar
        value={done}
        maxValue={known ? total : 1}
        isIndeterminate={!known}
        valueLabel={text.join(', ')}
        className="progress-bar"
      >
        {({ percentage, isIndeterminate }) => (
          <>
            <span className="progress-head">
              <Label>{label}</Label>
              <span className="progress-text">{text.join(' · ')}</span>
            </span>
            <span className={`progress-track ${isIndeterminate ? 'unknown' : ''}`}>
              <span
                className="progress-fill"
                style={isIndeterminate ? undefined : { width: `${percentage}%` }}
              />
            </span>
          </>
        )}
      </AriaProgressBar>
      {onCancel && (
        <Button
          look="quiet"
          isDisabled={cancelled}
          onPress={() => {
            setCancelled(true);
            onCancel();
          }}
        >
          {cancelled ? 'Cancelling …' : cancelLabel}
        </Button>
      )}
    </div>
  );
}
