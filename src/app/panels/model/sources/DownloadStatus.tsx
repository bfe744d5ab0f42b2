import { hostName } from '../../../store/sources';
import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { ErrorNotice } from '../../../ui/ErrorNotice';
import { bytes, duration } from '../../../ui/format';
import { Progress } from '../../../ui/Progress';

/** How far the download is, why it waits, and how to go on where it broke off. */
export function DownloadStatus() {
  const task = useApp((state) => state.sources.download);
  const plan = useApp((state) => state.sources.plan);
  const transfer = useApp((state) => state.sources.transfer);
  const { cancelDownload, download } = useActions();
  if (plan === null) return null;
  if (task.status === 'failed')
    return (
      <ErrorNotice title={`${plan.id} was not downloaded`} error={task.error}>
        {task.error.code !== 'busy' && (
          <Button onPress={() => void download(plan)}>
            {task.error.code === 'hub' ? 'Try again' : 'Resume'}
          </Button>
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
        label={`Downloading ${plan.id} from ${hostName(plan)}`}
        done={done}
        total={total}
        unit="bytes"
        left={left}
        onCancel={cancelDownload}
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
        {speed > 0 && `${bytes(speed)}/s. `}What has arrived is kept: after Cancel, a lost network or a closed
        page, the download resumes from there.
      </p>
    </div>
  );
}
