import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { TaskStatus } from '../../shared/TaskStatus';

const PHASES: Readonly<Record<string, string>> = {
  load: 'Loading the models first',
  compile: 'Compiling programs',
  states: 'Gathering hidden states',
  spectra: 'Decomposing',
};

/** The progress of the decomposition, or why it failed. */
export function ReportStatus() {
  const report = useApp((state) => state.lens.report);
  const pairIsReady = useApp((state) => state.pair.status === 'done');
  const { cancelLens, runLens } = useActions();
  const phase = pairIsReady ? (report.progress?.phase ?? 'spectra') : 'load';
  return (
    <TaskStatus
      task={report}
      label={PHASES[phase] ?? phase}
      onCancel={cancelLens}
      cancelLabel="Cancel decomposition"
      failed="The hidden states were not decomposed"
    >
      <Button onPress={() => void runLens()}>Try again</Button>
    </TaskStatus>
  );
}
