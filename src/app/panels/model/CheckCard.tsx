import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { CsvButton } from '../../ui/CsvButton';
import { DataTable } from '../../ui/DataTable';
import { Notice } from '../../ui/ErrorNotice';
import { duration } from '../../ui/format';
import { Panel } from '../../ui/Panel';
import { TaskStatus } from '../shared/TaskStatus';
import { CHECK_COLUMNS, checkRows, checkTable, notRun, outcome } from './check-report';

/** Every kernel compared with stored results, on the open device. */
export function CheckCard() {
  const { task, of } = useApp((state) => state.check);
  const device = useApp((state) => state.device);
  const { runCheck, cancelCheck } = useActions();
  const report = task.value;
  const passed = report?.checks.every((check) => check.passed);

  return (
    <Panel
      title="Check this device"
      about="Runs every kernel on stored test cases and compares the results with float64 references."
      actions={
        <>
          {report && <CsvButton title="The check" fileName="device-check" rows={() => checkTable(report)} />}
          <Button isDisabled={isBusy(task) || isBusy(device)} onPress={() => void runCheck()}>
            {report ? 'Check again' : 'Check this device'}
          </Button>
        </>
      }
    >
      <TaskStatus
        task={task}
        label="Checking the kernels"
        onCancel={cancelCheck}
        cancelLabel="Cancel the check"
        failed="The device was not checked"
      >
        <Button onPress={() => void runCheck()}>Try again</Button>
      </TaskStatus>
      {report && (
        <>
          {of !== device.value && (
            <Notice kind="info">
              This check was run on the device that was open before, not on the one above.
            </Notice>
          )}
          <p role="status">
            <span aria-hidden="true">{passed ? '✓ ' : '✕ '}</span>
            {outcome(report)}
          </p>
          {notRun(report).map(([kernel, failure]) => (
            <p key={kernel} className="notice-message">
              {kernel} did not run: {failure}
            </p>
          ))}
          <DataTable
            caption={`Largest errors over the stored cases, checked in ${duration(report.milliseconds)}`}
            columns={CHECK_COLUMNS}
            rows={checkRows(report)}
          />
        </>
      )}
    </Panel>
  );
}
