import { methodOf } from '../../../contract/methods/index';
import { isActive } from '../../store/run';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { percent } from '../../ui/format';
import { Panel } from '../../ui/Panel';

const when = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });

/** Runs kept in this browser. */
export function SavedRuns() {
  const saved = useApp((state) => state.saved);
  const methods = useApp((state) => state.methods);
  const shown = useApp((state) => state.run.id);
  const busy = useApp((state) => isActive(state.run));
  const { showRun, deleteRun } = useActions();
  if (saved.length === 0) return null;
  return (
    <Panel
      title="Kept runs"
      about="Curves and results, in this browser. The students themselves are not kept."
    >
      <ul className="saved">
        {saved.map(({ id, savedAt, config, result, series, notes = [] }) => {
          const name = `${methodOf(config.method, methods).label}, ${config.data.samples} samples, seed ${config.seed}`;
          return (
            <li key={id} aria-current={id === shown ? 'true' : undefined}>
              <span>
                {name}
                {id === shown && <span className="badge">shown</span>}
              </span>
              <span className="muted">
                {when.format(savedAt)} ·{' '}
                {result
                  ? result.heldOut
                    ? `${percent(result.heldOut.share)} held-out`
                    : `${result.steps} steps`
                  : busy && id === shown
                    ? 'under way'
                    : `broken off after ${series.step.at(-1) ?? 0} steps`}
                {notes.map((note) => ` · ${note}`)}
              </span>
              <span className="actions">
                <Button
                  look="quiet"
                  isDisabled={busy || id === shown}
                  aria-label={`Show ${name}`}
                  onPress={() => showRun(id)}
                >
                  Show
                </Button>
                <Button
                  look="quiet"
                  isDisabled={busy && id === shown}
                  aria-label={`Delete ${name}`}
                  onPress={() => void deleteRun(id)}
                >
                  Delete
                </Button>
              </span>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}
