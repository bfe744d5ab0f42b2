import type { TransferProgress } from '../../store/sources';
import { isBusy, type Task } from '../../store/task';
import { Button } from '../../ui/Button';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { bytes, duration } from '../../ui/format';
import { Progress } from '../../ui/Progress';

/** How far a download is, why it waits, and how to go on where it broke off. */
export function TransferStatus({
  task,
  transfer,
  name,
  host,
  kept,
  onCancel,
  onResume,
}: {
  readonly task: Task<true>;
  readonly transfer: TransferProgress | null;
  /** What is downloaded, and from where. */
  readonly name: string;
  readonly host: string;
  /** What becomes of what has arrived, in a sentence. */
  readonly kept: string;
  readonly onCancel: () => void;
  readonly onResume: () => void;
}) {
  if (task.status === 'failed')
    return (
      <ErrorNotice title={`${name} was not downloaded`} error={task.error}>
        {task.error.code !== 'busy' && (
          <Button onPress={onResume}>{task.error.code === 'hub' ? 'Try again' : 'Resume'}</Button>
        )}
      </ErrorNotice>
    );
  if (!isBusy(task)) return null;
  const {
    done = 0,
    total = 0,
    left = null,
    speed = 0,
    waiting = null,
    file = '',
    isChecking = false,
  } = transfer ?? {};
  return (
    <div className="download">
      <Progress
        label={`Downloading ${name} from ${host}`}
        done={done}
        total={total}
        unit="bytes"
        left={left}
        onCancel={onCancel}
        cancelLabel="Cancel download"
        isCancelling={task.status === 'cancelling'}
      />
      <p className="help" role="status">
        {waiting
          ? `${waiting.why}: next attempt in ${duration(waiting.pause)}`
          : isChecking
            ? `Checking the part of ${file} that is already here`
            : file}
      </p>
      <p className="help">
        {speed > 0 && `${bytes(speed)}/s. `}
        {kept}
      </p>
    </div>
  );
}
