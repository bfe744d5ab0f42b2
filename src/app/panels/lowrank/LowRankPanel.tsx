import './lowrank.css';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { Panel } from '../../ui/Panel';
import { Progress } from '../../ui/Progress';
import { Meaning } from './form/Meaning';
import { OpenCheckpoint } from './form/OpenCheckpoint';
import { RequestForm } from './form/RequestForm';
import { isStale } from './stale';
import { Views } from './Views';

/** The low-rank lens: what of the hidden states is low-rank, and whether it matters. */
export function LowRankPanel() {
  return (
    <div className="place with-side">
      <div className="side">
        <Panel
          title="Hidden states"
          about="Sequences are fed to a model; the states of their tokens are stacked into matrices and decomposed."
        >
          <RequestForm />
          <div className="groups">
            <Meaning />
          </div>
        </Panel>
        <Panel
          title="Open a checkpoint"
          about="Any LLaMA or Qwen2 model, to look at beside the bundled pair."
        >
          <OpenCheckpoint />
        </Panel>
      </div>
      <div className="main">
        <ReportStatus />
        <Views />
      </div>
    </div>
  );
}

const PHASES: Readonly<Record<string, string>> = {
  load: 'Loading the pair first',
  compile: 'Compiling programs',
  states: 'Gathering hidden states',
  spectra: 'Decomposing hidden states',
};

/** What the decomposition is doing, why it failed, and whether the form has moved on since. */
function ReportStatus() {
  const report = useApp((state) => state.lens.report);
  const pairIsReady = useApp((state) => state.pair.status === 'ready');
  const draft = useApp((state) => state.lens.draft);
  const { cancelLens, runLens } = useActions();
  const label =
    report.status !== 'busy'
      ? ''
      : !pairIsReady
        ? PHASES.load!
        : (PHASES[report.progress?.phase ?? 'spectra'] ?? PHASES.spectra!);
  return (
    <>
      {report.status === 'busy' && (
        <Progress
          label={label}
          {...report.progress}
          onCancel={cancelLens}
          cancelLabel="Cancel decomposition"
        />
      )}
      {report.status === 'failed' && (
        <ErrorNotice title="The hidden states were not decomposed" error={report.error}>
          <Button onPress={() => void runLens()}>Try again</Button>
        </ErrorNotice>
      )}
      {report.status !== 'busy' && report.value && isStale(report.value.request, draft) && (
        <p className="lens-stale" role="status">
          <span aria-hidden="true">ℹ </span>The charts are of the last report; the form has changed since.
          Decompose draws them anew.
        </p>
      )}
    </>
  );
}
