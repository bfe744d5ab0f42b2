import { ProgressBar as AriaProgressBar, Label, type ProgressBarRenderProps } from 'react-aria-components';
import { Button } from './Button';
import { bytes, duration, integer, remaining, timeLeft } from './format';

export interface ProgressProps {
  readonly label: string;
  readonly done?: number;
  /** 0 where it is unknown. */
  readonly total?: number;
  readonly unit?: string;
  /** Milliseconds since it began. */
  readonly elapsed?: number;
  /** Milliseconds left, where they are known better than from `done` and `elapsed`. */
  readonly left?: number | null;
  readonly onCancel?: (() => void) | undefined;
  readonly cancelLabel?: string;
  /** Cancel was pressed, and the engine has not got there yet. */
  readonly isCancelling?: boolean;
}

/** How much of how much, and how long it will take or has taken: as far as each can be said. */
export function progressWords({
  done = 0,
  total = 0,
  unit = '',
  elapsed = 0,
  left = null,
}: Omit<ProgressProps, 'label'>): string[] {
  const amount = (n: number) => (unit === 'bytes' ? bytes(n) : integer(n));
  const time = left ?? remaining(done, total, elapsed);
  return [
    total > 0
      ? `${amount(done)} of ${amount(total)}${unit === 'bytes' ? '' : ` ${unit}`}`
      : done > 0
        ? `${amount(done)} ${unit}`
        : null,
    time !== null ? timeLeft(time) : elapsed >= 1000 ? duration(elapsed) : null,
  ].filter((part) => part !== null);
}

/** The bar itself, drawn inside a `ProgressBar`, which says the same to assistive technology. */
export function ProgressTrack({
  percentage,
  isIndeterminate,
}: Pick<ProgressBarRenderProps, 'percentage' | 'isIndeterminate'>) {
  return (
    <span className={`progress-track ${isIndeterminate ? 'unknown' : ''}`}>
      <span className="progress-fill" style={isIndeterminate ? undefined : { width: `${percentage}%` }} />
    </span>
  );
}

/** What is in progress: how much of how much, how long it will take, and a way out. */
export function Progress({
  label,
  done = 0,
  total = 0,
  unit = '',
  elapsed = 0,
  left = null,
  onCancel,
  cancelLabel = 'Cancel',
  isCancelling = false,
}: ProgressProps) {
  const known = total > 0;
  const text = progressWords({ done, total, unit, elapsed, left });
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
            <ProgressTrack percentage={percentage} isIndeterminate={isIndeterminate} />
          </>
        )}
      </AriaProgressBar>
      {onCancel && (
        <Button look="quiet" isDisabled={isCancelling} onPress={onCancel}>
          {isCancelling ? 'Cancelling …' : cancelLabel}
        </Button>
      )}
    </div>
  );
}
