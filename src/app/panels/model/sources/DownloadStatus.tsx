import { hostName } from '../../../store/sources';
import { useActions, useApp } from '../../../store/use-app';
import { TransferStatus } from '../../shared/TransferStatus';

/** How far the download of a model is. */
export function DownloadStatus() {
  const task = useApp((state) => state.sources.download);
  const plan = useApp((state) => state.sources.plan);
  const transfer = useApp((state) => state.sources.transfer);
  const { cancelDownload, download } = useActions();
  if (plan === null) return null;
  return (
    <TransferStatus
      task={task}
      transfer={transfer}
      name={plan.id}
      host={hostName(plan)}
      kept="What has arrived is kept: after Cancel, a lost network or a closed page, the download resumes from there."
      onCancel={cancelDownload}
      onResume={() => void download(plan)}
    />
  );
}
