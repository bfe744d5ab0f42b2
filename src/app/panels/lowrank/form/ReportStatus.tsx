import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { ErrorNotice } from '../../../ui/ErrorNotice';
import { Progress } from '../../../ui/Progress';

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
  if (isBusy(report)) {
    const phase = pairIsReady ? (report.progress?.phase ?? 'spectra') : 'load';
    return (
      <Progress
        label={PHASES[phase] ?? phase}
        {...report.progress}
        onCancel={cancelLens}
        cancelLabel="Cancel decomposition"
        isCancelling={report.status === 'cancelling'}
      />
    );
  }
  if (report.status !== 'failed') return null;
  return (
    <ErrorNotice title="The hidden states were not decomposed" error={report.error}>
      <Button onPress={() => void runLens()}>Try again</Button>
    </ErrorNotice>
  );
}
