import type { ReactNode } from 'react';
import { isBusy, type Task } from '../../store/task';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { Progress } from '../../ui/Progress';

/** How a task is getting on, with a way to cancel it, or why it failed, with ways out; nothing where neither is so. */
export function TaskStatus({
  task,
  label,
  onCancel,
  cancelLabel,
  failed,
  children,
}: {
  readonly task: Task<unknown>;
  /** What is in progress. */
  readonly label: string;
  readonly onCancel: () => void;
  readonly cancelLabel: string;
  /** Title of a failure. */
  readonly failed: string;
  /** Buttons that get out of a failure. */
  readonly children?: ReactNode;
}) {
  if (isBusy(task))
    return (
      <Progress
        label={label}
        {...task.progress}
        onCancel={onCancel}
        cancelLabel={cancelLabel}
        isCancelling={task.status === 'cancelling'}
      />
    );
  if (task.status !== 'failed') return null;
  return (
    <ErrorNotice title={failed} error={task.error}>
      {children}
    </ErrorNotice>
  );
}
