import { nameConfig } from '../../../contract/presets';
import { isActive } from '../../store/run';
import type { DamagedRun, SavedRun } from '../../store/saved-actions';
import { useActions, useApp } from '../../store/use-app';
import { Boundary } from '../../ui/Boundary';
import { Button } from '../../ui/Button';
import { percent } from '../../ui/format';
import { Panel } from '../../ui/Panel';

const when = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });

/** The outcome of a run, in a few words. */
function outcome({ result, series }: SavedRun, underWay: 'here' | 'elsewhere' | null): string {
  if (underWay !== null) return underWay === 'here' ? 'running in this tab' : 'running in another tab';
  if (!result) return `interrupted after ${series.step.at(-1) ?? 0} steps`;
  return result.heldOut ? `${percent(result.heldOut.share)} held-out` : `${result.steps} steps`;
}

/** Runs kept in this browser. */
export function SavedRuns() {
  const saved = useApp((state) => state.saved);
  const damaged = useApp((state) => state.damaged);
  if (saved.length === 0 && damaged.length === 0) return null;
  return (
    <Panel
      title="Kept runs"
      about="Curves, results and configurations, in this browser. The students themselves are not kept."
    >
      <ul className="saved">
        {saved.map((run) => (
          <Boundary key={run.id} name="This run">
            <Row run={run} />
          </Boundary>
        ))}
        {damaged.map((row) => (
          <DamagedRow key={row.id} row={row} />
        ))}
      </ul>
    </Panel>
  );
}

function Row({ run }: { readonly run: SavedRun }) {
  const { id, savedAt, config, notes = [] } = run;
  const methods = useApp((state) => state.methods);
  const shown = useApp((state) => state.run.id === id);
  const busy = useApp((state) => isActive(state.run));
  const elsewhere = useApp((state) => state.underWay.has(id)) && !(busy && shown);
  const { showRun, deleteRun } = useActions();
  const name = `${nameConfig(config, methods).name}, ${config.data.samples} samples, seed ${config.seed}`;
  const underWay = elsewhere ? 'elsewhere' : busy && shown ? 'here' : null;
  return (
    <li aria-current={shown ? 'true' : undefined}>
      <span>
        {name}
        {shown && <span className="badge">shown</span>}
      </span>
      <span className="muted">{[when.format(savedAt), outcome(run, underWay), ...notes].join(' · ')}</span>
      <span className="actions">
        <Button
          look="quiet"
          isDisabled={busy || shown}
          aria-label={`Show ${name}`}
          onPress={() => showRun(id)}
        >
          Show
        </Button>
        <Button
          look="quiet"
          isDisabled={underWay !== null}
          aria-label={`Delete ${name}`}
          onPress={() => void deleteRun(id)}
        >
          Delete
        </Button>
      </span>
    </li>
  );
}

function DamagedRow({ row: { id, reason } }: { readonly row: DamagedRun }) {
  const { deleteRun } = useActions();
  const name = id.length > 60 ? `${id.slice(0, 59)}…` : id;
  return (
    <li>
      <span>
        A row that cannot be read <span className="muted">({name})</span>
      </span>
      <span className="muted">{reason}</span>
      <span className="actions">
        <Button look="quiet" aria-label={`Delete the row ${name}`} onPress={() => void deleteRun(id)}>
          Delete
        </Button>
      </span>
    </li>
  );
}
