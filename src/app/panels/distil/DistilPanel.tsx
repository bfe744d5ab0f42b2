import './distil.css';
import { isActive } from '../../store/run';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Choice } from '../../ui/Choice';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { duration, integer, percent, significant } from '../../ui/format';
import { Empty, Figures, Panel } from '../../ui/Panel';
import { ConfigForm } from './ConfigForm';
import { LossCard } from './LossCard';
import { ResultCard } from './ResultCard';
import { RunBar } from './RunBar';
import { RunCharts } from './RunCharts';
import { RunFiles } from './RunFiles';
import { SavedRuns } from './SavedRuns';
import { SeedsCard } from './SeedsCard';

/** Trains a student and shows it happen. */
export function DistilPanel() {
  const run = useApp((state) => state.run);
  const draft = useApp((state) => state.draft);
  const wanted = useApp((state) => state.link.preset);
  const { choosePreset, startRun } = useActions();
  const presets = useApp((state) => state.presets);
  const active = isActive(run);
  const preset =
    presets.find(({ id, config }) => (wanted === null ? config.method === draft.method : id === wanted)) ??
    presets[0]!;
  const hasSteps = run.series.step.length > 0;
  return (
    <div className="place">
      <Panel title="Run" about={preset.about}>
        <div className="run-head">
          <Choice
            label="Preset"
            value={preset.id}
            isDisabled={active}
            options={presets.map(({ id, label, about }) => ({ id, label, about }))}
            onChange={choosePreset}
          />
          <RunBar />
        </div>
        {run.task.status === 'failed' && (
          <ErrorNotice title="The run broke off; its curves are kept" error={run.task.error}>
            <Button onPress={() => void startRun(run.config ?? draft)}>Start it again</Button>
          </ErrorNotice>
        )}
        {run.latest && (
          <Figures
            items={[
              { label: 'Step', value: integer(run.latest.step), note: `of ${integer(run.latest.steps)}` },
              { label: 'Loss', value: significant(run.latest.losses.total) },
              { label: 'Validation', value: lastAccuracy(run.series.accuracy) ?? '–', note: 'share right' },
              { label: 'A step takes', value: duration(run.latest.milliseconds) },
            ]}
          />
        )}
        <RunFiles run={run} />
      </Panel>
      <div className="with-side">
        <div className="side">
          <Panel title="Configuration">
            <ConfigForm isDisabled={active} />
            <p className="help">
              <span className="badge">ours</span> marks a value the method’s paper leaves open: a choice of
              this project.
            </p>
          </Panel>
          <LossCard />
        </div>
        <div className="main">
          {run.result && <ResultCard result={run.result} />}
          {hasSteps ? (
            <Panel title="Curves">
              <RunCharts run={run} />
            </Panel>
          ) : (
            <Empty>
              {active
                ? 'The curves begin with the first step.'
                : 'No run yet. Start trains a student with the values on this page; its curves appear here while it learns.'}
            </Empty>
          )}
          <SeedsCard />
          <SavedRuns />
        </div>
      </div>
    </div>
  );
}

function lastAccuracy(
  events: readonly { readonly set: string; readonly accuracy: { readonly share: number } }[],
): string | null {
  const last = events.findLast(({ set }) => set === 'validation');
  return last ? percent(last.accuracy.share) : null;
}
