import type { ModelFile } from '../../../contract/model-files';
import type { Task } from '../../store/task';
import { bytes } from '../../ui/format';
import { TaskStatus } from './TaskStatus';

/** How a file is getting on, and what is in it and to be known of it once it is written. */
export function WrittenFile({
  task,
  label,
  onCancel,
}: {
  readonly task: Task<Omit<ModelFile, 'blob'>>;
  readonly label: string;
  readonly onCancel: () => void;
}) {
  if (task.status !== 'done')
    return (
      <TaskStatus
        {...{ task, label, onCancel }}
        cancelLabel="Cancel the export"
        failed="No file was written"
      />
    );
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
