import './arena.css';
import { useMemo } from 'react';
import { type Arena, MAX_ARENA_SEEDS, MAX_CONTENDERS, readSeeds, SEED_ENDS } from '../../../contract/arena';
import { fewSeeds } from '../../../contract/arena-table';
import type { Preset } from '../../../contract/presets';
import { endsText } from '../../../contract/settings';
import { HELD_OUT_RANGE, heldOutError, initialArena } from '../../store/arena';
import { notInLink } from '../../store/arena-link';
import { isActive } from '../../store/run';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { limitsOf } from '../../store/whole';
import { Button } from '../../ui/Button';
import { Choice } from '../../ui/Choice';
import { CheckField, NumberField } from '../../ui/Field';
import { limitsText } from '../../ui/limits';
import { Panel } from '../../ui/Panel';
import { TextEntry } from '../../ui/TextEntry';
import { UndoButtons } from '../../ui/UndoButtons';
import { ArenaCost } from './ArenaCost';
import { KeptContenders } from './KeptContenders';
import { RemoveButton } from './RemoveButton';

const keptWords = (all: number, left: number): string =>
  all === 0
    ? ''
    : `${all} kept ${all === 1 ? 'student' : 'students'}, of which ${left} ${left === 1 ? 'has' : 'have'} not answered yet.`;

const SEEDS_TEXT = `${limitsText(endsText({ low: SEED_ENDS[0], high: SEED_ENDS[1], above: false }), undefined, initialArena.seeds)}.`;

/** Who takes part, on which seeds, and against whom. */
export function ArenaForm({
  arena,
  left,
  leftKept,
}: {
  readonly arena: Arena;
  /** Runs, and answers of kept students, that are still to be made. */
  readonly left: number;
  readonly leftKept: number;
}) {
  const state = useApp((all) => all.arena);
  const presets = useApp((all) => all.presets);
  const isTraining = useApp((all) => isActive(all.run));
  const { addDraftToArena, changeArena, clearArena, runArena } = useActions();
  const busy = isBusy(state.task);
  const seeds = readSeeds(state.seeds);
  const heldOut = heldOutError(state.heldOut);
  const few = arena.contenders.length < 2;
  const many = arena.contenders.length > MAX_CONTENDERS;
  const powerless = fewSeeds(seeds.seeds.length, arena.contenders.length - 1);
  const canRun =
    seeds.error === null &&
    heldOut === null &&
    !many &&
    arena.contenders.length > 0 &&
    left + leftKept > 0 &&
    !busy &&
    !isTraining;
  const total = arena.contenders.length * arena.seeds.length;
  const field = ({ id, name }: Preset) => (
    <CheckField
      key={id}
      label={`${name} (${id})`}
      isSelected={state.presets.includes(id)}
      onChange={(isIn) =>
        changeArena({
          presets: isIn ? [...state.presets, id] : state.presets.filter((one) => one !== id),
        })
      }
    />
  );
  return (
    <Panel title="Who takes part">
      <fieldset disabled={busy} className="arena-contenders">
        <legend className="visually-hidden">Presets</legend>
        {presets.filter(({ paper }) => !paper).map(field)}
        <details>
          <summary>Presets named for a table of a paper</summary>
          {presets.filter(({ paper }) => paper).map(field)}
        </details>
        {state.others.map(({ name }) => (
          <p key={name} className="arena-other">
            {name} <RemoveButton name={name} />
          </p>
        ))}
        <div className="actions">
          <Button isDisabled={busy} onPress={addDraftToArena}>
            Add the settings of Distil
          </Button>
        </div>
        <KeptContenders arena={arena} isDisabled={busy} />
      </fieldset>
      <TextEntry
        label="Seeds"
        value={state.seeds}
        onChange={(text) => changeArena({ seeds: text })}
        placeholder="1-10"
        help={`Numbers and ranges, at most ${MAX_ARENA_SEEDS} seeds. A seed draws the training samples, their order and the starting values. ${SEEDS_TEXT}`}
        error={seeds.error ?? undefined}
      />
      <NumberField
        whole
        label="Held-out problems"
        unit="problems"
        limits={limitsOf(HELD_OUT_RANGE, initialArena.heldOut)}
        value={state.heldOut}
        onChange={(next) => changeArena({ heldOut: next })}
        help="Answered after each run. A change drops the runs so far; Undo brings them back."
        error={heldOut ?? undefined}
        isDisabled={busy}
      />
      {arena.contenders.length > 0 && (
        <Choice
          label="Baseline"
          value={arena.baseline}
          options={arena.contenders.map(({ name }) => ({ id: name, label: name }))}
          onChange={(baseline) => changeArena({ baseline })}
        />
      )}
      <p className="help">
        {many
          ? `${arena.contenders.length} contenders; at most ${MAX_CONTENDERS} are run.`
          : few
            ? 'Choose two or more to compare.'
            : `${total} runs, of which ${left} are left.`}{' '}
        {keptWords(arena.kept?.length ?? 0, leftKept)}
      </p>
      {left > 0 && !many && seeds.error === null && powerless !== '' && <p className="help">{powerless}</p>}
      {left > 0 && canRun && <ArenaCost arena={arena} />}
      <div className="actions">
        <Button look="primary" isDisabled={!canRun} onPress={() => void runArena()}>
          {left === 0 && leftKept > 0
            ? 'Have the kept students answer'
            : left < total && left > 0
              ? `Go on: ${left} runs left`
              : 'Start the arena'}
        </Button>
        {arena.runs.length > 0 && (
          <Button isDisabled={busy} onPress={clearArena}>
            Drop all runs
          </Button>
        )}
        <ArenaUndo isDisabled={busy} />
      </div>
      <p className="help">
        Undo takes back changes of this form and brings back the results that they dropped. Results that were
        measured since stay: it ends where one would be lost.
      </p>
      <InNoLink />
      {isTraining && !busy && <p className="help">A run is training: wait for its end, or cancel it.</p>}
    </Panel>
  );
}

function ArenaUndo({ isDisabled }: { readonly isDisabled: boolean }) {
  const canUndo = useApp((state) => state.arena.past.length > 0);
  const canRedo = useApp((state) => state.arena.future.length > 0);
  const { undoArena, redoArena } = useActions();
  return (
    <UndoButtons
      canUndo={canUndo && !isDisabled}
      canRedo={canRedo && !isDisabled}
      undo={undoArena}
      redo={redoArena}
    />
  );
}

/** What the address of this place leaves out. */
function InNoLink() {
  const axis = useApp((state) => state.arena.axis);
  const others = useApp((state) => state.arena.others);
  const kept = useApp((state) => state.arena.kept);
  const methods = useApp((state) => state.methods);
  const count = useMemo(() => notInLink({ axis, others, kept }, methods), [axis, others, kept, methods]);
  if (count === 0) return null;
  return (
    <p className="help">
      The address names presets, an ablation, seeds, problems and baseline. {count}{' '}
      {count === 1 ? 'contender is' : 'contenders are'} in no link: Download arena (JSON) has{' '}
      {count === 1 ? 'it' : 'them'}.
    </p>
  );
}
