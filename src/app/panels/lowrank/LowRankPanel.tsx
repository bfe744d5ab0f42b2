import './lowrank.css';
import { isBusy } from '../../store/task';
import { useApp } from '../../store/use-app';
import { Panel } from '../../ui/Panel';
import { useDraftBounds } from './bounds';
import { Group } from './form/Group';
import { Meaning } from './form/Meaning';
import { OpenCheckpoint } from './form/OpenCheckpoint';
import { RequestForm } from './form/RequestForm';
import { isStale } from './stale';
import { Views } from './Views';
import { VIEWS } from './words';

/** The low-rank lens: what of the hidden states is low-rank, and whether it matters. */
export function LowRankPanel() {
  const opened = useApp((state) => state.lens.opened.value?.name ?? null);
  return (
    <div className="place with-side">
      <div className="side">
        <Panel
          title="Hidden states"
          about="Sequences are fed to a model; the states of their tokens are stacked into matrices and decomposed."
        >
          <RequestForm />
          <div className="groups">
            <Group title="Open a checkpoint" summary={opened ?? 'any LLaMA or Qwen2 model, from your files'}>
              <OpenCheckpoint />
            </Group>
            <Meaning />
          </div>
        </Panel>
      </div>
      <div className="main" id={VIEWS}>
        <Stale />
        <Views />
      </div>
    </div>
  );
}

/** Whether the form has moved on since the report. */
function Stale() {
  const report = useApp((state) => state.lens.report);
  const outlived = useApp((state) => state.lens.outlived.report);
  const draft = useApp((state) => state.lens.draft);
  const bounds = useDraftBounds(draft);
  const busy = isBusy(report);
  return (
    <p className="lens-stale" role="status">
      {!busy && outlived && (
        <>
          <span aria-hidden="true">ℹ </span>The charts are of a model as it was before it was trained or
          opened anew. Decompose draws them anew.
        </>
      )}
      {!busy && !outlived && report.value && isStale(report.value.request, draft, bounds) && (
        <>
          <span aria-hidden="true">ℹ </span>The charts are of the last report; the form has changed since.
          Decompose draws them anew.
        </>
      )}
    </p>
  );
}
