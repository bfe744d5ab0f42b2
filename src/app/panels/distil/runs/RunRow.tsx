import { useState } from 'react';
import type { RunFormat } from '../../../../contract/run-bundle';
import type { SavedRun } from '../../../../contract/saved-run';
import { shorten } from '../../../../text/quote';
import { isActive } from '../../../store/run';
import { runName } from '../../../store/run-names';
import { type DamagedRow as Damaged, hasDiverged } from '../../../store/saved-actions';
import { isBusy } from '../../../store/task';
import { useActions, useApp } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { download } from '../../../ui/download';
import { CheckField } from '../../../ui/Field';
import { bytes, percent } from '../../../ui/format';
import { LabelForm } from './LabelForm';
import { RunZip } from './RunZip';

const when = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });

/** The outcome of a run, in a few words. */
function outcome(run: SavedRun, underWay: 'here' | 'elsewhere' | null, keptStep: number): string {
  const { result, series } = run;
  if (underWay !== null) return underWay === 'here' ? 'running in this tab' : 'running in another tab';
  if (hasDiverged(run)) return `diverged at step ${series.step.at(-1)}`;
  // Curves are stored every few seconds, snapshots every few steps.
  if (!result) return `interrupted after ${Math.max(series.step.at(-1) ?? 0, keptStep)} steps`;
  return result.heldOut ? `${percent(result.heldOut.share)} held-out` : `${result.steps} steps`;
}

export function RunRow({ run }: { readonly run: SavedRun }) {
  const { id, savedAt, tags = [], notes = [] } = run;
  const methods = useApp((state) => state.methods);
  const shown = useApp((state) => state.run.id === id);
  const busy = useApp((state) => isActive(state.run));
  const elsewhere = useApp((state) => state.underWay.has(id)) && !(busy && shown);
  const student = useApp((state) => state.kept.get(id));
  const inUse = useApp((state) => state.studentRun === id);
  const compared = useApp((state) => state.compared.includes(id));
  const [isEditing, setEditing] = useState(false);
  const { compareRun } = useActions();
  const name = runName(run, methods);
  const underWay = elsewhere ? 'elsewhere' : busy && shown ? 'here' : null;
  const facts = [
    when.format(savedAt),
    outcome(run, underWay, student?.step ?? 0),
    ...(student ? [`student at step ${student.step}, ${bytes(student.bytes)}`] : ['no student kept']),
    ...notes,
  ];
  return (
    <li aria-current={shown ? 'true' : undefined}>
      <div className="saved-name">
        <CheckField label={name} isSelected={compared} onChange={(on) => compareRun(id, on)} />
        {shown && <span className="badge">shown</span>}
        {inUse && <span className="badge">student in use</span>}
        {tags.map((tag) => (
          <span key={tag} className="badge">
            {tag}
          </span>
        ))}
      </div>
      <span className="muted">{facts.join(' · ')}</span>
      {isEditing ? (
        <LabelForm run={run} onEnd={() => setEditing(false)} />
      ) : (
        <RowActions {...{ run, name, underWay, shown, busy, inUse }} onEdit={() => setEditing(true)} />
      )}
      <RunZip id={id} />
    </li>
  );
}

interface RowActionsProps {
  readonly run: SavedRun;
  readonly name: string;
  readonly underWay: 'here' | 'elsewhere' | null;
  readonly shown: boolean;
  readonly busy: boolean;
  readonly inUse: boolean;
  readonly onEdit: () => void;
}

function RowActions({ run, name, underWay, shown, busy, inUse, onEdit }: RowActionsProps) {
  const { id } = run;
  const student = useApp((state) => state.kept.get(id));
  const opening = useApp((state) => isBusy(state.opening));
  const writing = useApp((state) => isBusy(state.runZip.task));
  const { showRun, deleteRun, resumeRun, openStudent, keepTeacher, exportRun } = useActions();
  const canResume =
    student !== undefined && student.status !== 'done' && underWay === null && !hasDiverged(run);
  const save = async (format: RunFormat) => {
    const file = await exportRun(id, format);
    if (file) download(file.name, file.blob, file.blob.type);
  };
  return (
    <span className="actions">
      <Button look="quiet" isDisabled={busy || shown} aria-label={`Show ${name}`} onPress={() => showRun(id)}>
        Show
      </Button>
      {canResume && (
        <Button
          look="quiet"
          isDisabled={busy}
          aria-label={`Resume from step ${student.step}: ${name}`}
          onPress={() => void resumeRun(id)}
        >
          Resume from step {student.step}
        </Button>
      )}
      {student && (
        <>
          <Button
            look="quiet"
            isDisabled={busy || opening || inUse}
            aria-label={`Use student of ${name}`}
            onPress={() => void openStudent(id)}
          >
            Use student
          </Button>
          <Button
            look="quiet"
            isDisabled={busy || opening}
            aria-label={`Use as teacher: student of ${name}`}
            onPress={() => void keepTeacher({ run: id })}
          >
            Use as teacher
          </Button>
          <Button
            look="quiet"
            isDisabled={writing}
            aria-label={`Run bundle of ${name}`}
            onPress={() => void save('bundle')}
          >
            Run bundle
          </Button>
          <Button
            look="quiet"
            isDisabled={writing || busy}
            aria-label={`PyTorch program of ${name}`}
            onPress={() => void save('torch')}
          >
            PyTorch program
          </Button>
        </>
      )}
      <Button
        look="quiet"
        isDisabled={underWay !== null}
        aria-label={`Name and tags of ${name}`}
        onPress={onEdit}
      >
        Name
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
  );
}

export function DamagedRow({ row: { id, reason } }: { readonly row: Damaged }) {
  const { deleteRun } = useActions();
  const name = shorten(id, 60);
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
