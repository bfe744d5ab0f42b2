import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { ErrorNotice } from '../../../ui/ErrorNotice';
import { bytes } from '../../../ui/format';
import { Progress } from '../../../ui/Progress';

/** How the zip of a run is getting on, and what is in it. */
export function RunZip({ id }: { readonly id: string }) {
  const task = useApp((state) => (state.runZip.run === id ? state.runZip.task : null));
  const { cancelRunZip } = useActions();
  if (task === null) return null;
  if (isBusy(task))
    return (
      <Progress
        label="Writing the run"
        {...task.progress}
        onCancel={cancelRunZip}
        cancelLabel="Cancel the export"
        isCancelling={task.status === 'cancelling'}
      />
    );
  if (task.status === 'failed') return <ErrorNotice title="No file was written" error={task.error} />;
  if (task.status !== 'done') return null;
  const { name, files, notes } = task.value;
  return (
    <div role="status">
      <p className="muted">
        {name}: {files.map((file) => `${file.name} (${bytes(file.bytes)})`).join(', ')}.
      </p>
      {notes.map((note) => (
        <p className="help" key={note}>
          {note}
        </p>
      ))}
    </div>
  );
}
