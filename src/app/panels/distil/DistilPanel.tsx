import './distil.css';
import { useMemo, useRef } from 'react';
import { differencesFrom, nameConfig } from '../../../contract/presets';
import { listed, shorten } from '../../../text/quote';
import { recoverySentence } from '../../store/recovery';
import { isActive } from '../../store/run';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Choice } from '../../ui/Choice';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { Empty, Panel } from '../../ui/Panel';
import { UndoButtons, useUndoKeys } from '../../ui/UndoButtons';
import { useThrottled } from '../../ui/use-throttled';
import { ExportModel } from '../shared/ExportModel';
import { ConfigForm } from './ConfigForm';
import { MethodCard } from './paths/MethodCard';
import { ResultCard } from './ResultCard';
import { RolesCard } from './RolesCard';
import { RunBar } from './RunBar';
import { RunCharts } from './RunCharts';
import { RunFigures } from './RunFigures';
import { RunFiles } from './RunFiles';
import { CompareCard } from './runs/CompareCard';
import { KeptRuns } from './runs/KeptRuns';
import { SampleCard } from './SampleCard';
import { SeedsCard } from './SeedsCard';

/** Trains a student and shows its progress. Ctrl+Z undoes a change of the settings. Whatever changes several times a second is in separate components. */
export function DistilPanel() {
  const active = useApp((state) => isActive(state.run));
  const { undoDraft, redoDraft } = useActions();
  const [form, terms] = [useRef<HTMLDivElement>(null), useRef<HTMLDivElement>(null)];
  useUndoKeys(form, { undo: undoDraft, redo: redoDraft });
  useUndoKeys(terms, { undo: undoDraft, redo: redoDraft });
  return (
    <div className="place with-side">
      <div className="side" ref={form}>
        <RunPanel isDisabled={active} />
        <RolesCard isDisabled={active} />
        <Panel title="Configuration">
          <ConfigForm isDisabled={active} />
          <p className="help">
            <span className="badge">ours</span> marks a choice of this project where the method’s paper gives
            no value.
          </p>
        </Panel>
      </div>
      <div className="main">
        <RunFailure />
        <RunFigures />
        <Result />
        <div ref={terms}>
          <MethodCard isDisabled={active} />
        </div>
        <SampleCard />
        <Curves />
        <StudentFiles />
        <SeedsCard />
        <KeptRuns />
        <CompareCard />
      </div>
    </div>
  );
}

/** Milliseconds between two updates of components that are slow to draw. */
const SLOW = 1000;

function RunPanel({ isDisabled }: { readonly isDisabled: boolean }) {
  const draft = useApp((state) => state.draft);
  const methods = useApp((state) => state.methods);
  const wanted = useApp((state) => state.link.preset);
  const opened = useApp((state) => state.lens.opened.value?.name ?? null);
  const presets = useApp((state) => state.presets);
  const { choosePreset } = useActions();
  // A configuration from a file is shown as the nearest preset.
  const named = useMemo(() => nameConfig(draft, methods), [draft, methods]);
  const preset = presets.find(({ id }) => id === (wanted ?? named.preset?.id)) ?? presets[0]!;
  const changed = differencesFrom(preset, draft).map(([path]) => path);
  return (
    <Panel title="Run" about={preset.about}>
      <Choice
        label="Preset"
        value={preset.id}
        isDisabled={isDisabled}
        options={presets.map(({ id, label, about }) => ({ id, label, about }))}
        onChange={choosePreset}
      />
      <FormUndo isDisabled={isDisabled} />
      {changed.length > 0 && <p className="help">Changed from this preset: {listed(changed, 4)}.</p>}
      <RunBar />
      <RunFiles />
      {opened !== null && draft.roles.student === 'bundled' && (
        <p className="help">
          This run trains the bundled base, not {shorten(opened, 40)}: choose the student below, under Models
          and data.
        </p>
      )}
    </Panel>
  );
}

/** Undo and Redo of the run's settings. */
function FormUndo({ isDisabled }: { readonly isDisabled: boolean }) {
  const canUndo = useApp((state) => state.draftHistory.past.length > 0);
  const canRedo = useApp((state) => state.draftHistory.future.length > 0);
  const { undoDraft, redoDraft } = useActions();
  return (
    <div className="actions">
      <UndoButtons
        canUndo={canUndo && !isDisabled}
        canRedo={canRedo && !isDisabled}
        undo={undoDraft}
        redo={redoDraft}
      />
    </div>
  );
}

function RunFailure() {
  const task = useApp((state) => state.run.task);
  const config = useApp((state) => state.run.config);
  const id = useApp((state) => state.run.id);
  const student = useApp((state) => state.kept.get(state.run.id ?? ''));
  const recovery = useApp((state) => (state.recovery?.run === state.run.id ? state.recovery : null));
  const { startRun, resumeRun, recoverNow, cancelRecovery } = useActions();
  if (task.status !== 'failed') return null;
  // The same steps again would end at the same place.
  const canResume = id !== null && student && student.status !== 'done' && task.error.code !== 'numeric';
  const isDue = recovery?.refused === null;
  return (
    <ErrorNotice title="The run failed; its curves are kept" error={task.error}>
      {recovery && <p>{recoverySentence(recovery)}</p>}
      {canResume && (
        <Button look="primary" onPress={() => (isDue ? recoverNow() : void resumeRun(id))}>
          Resume from step {student.step}
        </Button>
      )}
      {isDue && <Button onPress={cancelRecovery}>Do not resume by itself</Button>}
      <Button onPress={() => void startRun(config ?? undefined)}>Start it again</Button>
    </ErrorNotice>
  );
}

function Result() {
  const result = useApp((state) => state.run.result);
  return result && <ResultCard result={result} />;
}

function StudentFiles() {
  const student = useApp((state) => state.student);
  if (student === null) return null;
  return (
    <Panel
      title="Export"
      about={`The kept student, ${student.label} (step ${student.step}), for PEFT, transformers and ONNX Runtime. Each can be opened here again in Model.`}
    >
      <ExportModel subject={{ kind: 'student' }} />
    </Panel>
  );
}

function Curves() {
  const run = useThrottled(
    useApp((state) => state.run),
    SLOW,
  );
  if (run.series.step.length > 0)
    return (
      <Panel title="Curves">
        <RunCharts run={run} />
      </Panel>
    );
  return (
    <Empty>
      {isActive(run)
        ? 'The curves start with the first step.'
        : 'No run yet. Start trains a student with this configuration; its curves appear here as it learns.'}
    </Empty>
  );
}
