import './lowrank.css';
import { isBusy } from '../../store/task';
import { useApp } from '../../store/use-app';
import { Panel } from '../../ui/Panel';
import { RowsFigure } from '../shared/RowsFigure';
import { useDraftBounds } from './bounds';
import { Meaning } from './form/Meaning';
import { RequestForm } from './form/RequestForm';
import { isStale } from './stale';
import { Views } from './Views';
import { VIEWS } from './words';

/** The low-rank lens: how low-rank the hidden states are, and whether it matters. */
export function LowRankPanel() {
  const subject = useApp((state) => state.lens.draft.subject);
  return (
    <div className="place with-side">
      <div className="side">
        <Panel
          title="Hidden states"
          about="Sequences are run through a model; the hidden states of their tokens are stacked into matrices and decomposed."
        >
          {subject === 'opened' && <RowsFigure />}
          <RequestForm />
          <div className="groups">
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

/** Whether the form has changed since the report. */
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
          <span aria-hidden="true">ℹ </span>The charts show a model that has since been retrained or replaced.
          Press Decompose to update them.
        </>
      )}
      {!busy && !outlived && report.value && isStale(report.value.request, draft, bounds) && (
        <>
          <span aria-hidden="true">ℹ </span>The charts show the last report; the form has changed since. Press
          Decompose to update them.
        </>
      )}
    </p>
  );
}
