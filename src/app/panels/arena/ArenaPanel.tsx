import { useMemo, useRef } from 'react';
import { remaining, standings } from '../../../contract/arena';
import { remainingKept } from '../../../contract/arena-kept';
import { arenaSentence, COLUMNS, keptSentence, rowsOf } from '../../../contract/arena-table';
import { ENOUGH_SEEDS } from '../../../contract/seeds';
import { LineChart } from '../../charts/LineChart';
import { SHARES } from '../../charts/table';
import { type ArenaState, arenaOf } from '../../store/arena';
import { isBusy } from '../../store/task';
import { useActions, useApp, useTheme } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { DataTable } from '../../ui/DataTable';
import { Empty, Panel } from '../../ui/Panel';
import { useUndoKeys } from '../../ui/UndoButtons';
import { TaskStatus } from '../shared/TaskStatus';
import { AblationCard } from './AblationCard';
import { ArenaFiles } from './ArenaFiles';
import { ArenaForm } from './ArenaForm';
import { AxisChart } from './AxisChart';
import { seedTable, stripLines } from './words';

const nowWords = (now: ArenaState['now']): string =>
  now === null
    ? 'Starting'
    : now.isKept
      ? `The kept student ${now.name} is answering`
      : `Training ${now.name}, seed ${now.seed}`;

/** Methods on equal terms: the same samples, problems and seeds, one run after another. Ctrl+Z undoes a change of the form. */
export function ArenaPanel() {
  const state = useApp((all) => all.arena);
  const presets = useApp((all) => all.presets);
  const theme = useTheme();
  const { cancelArena, runArena, undoArena, redoArena } = useActions();
  const form = useRef<HTMLDivElement>(null);
  useUndoKeys(form, { undo: undoArena, redo: redoArena });
  const { presets: chosen, others, kept, seeds, baseline, heldOut, axis, runs } = state;
  // Not with every report of progress: the statistics are drawn ten thousand times.
  const arena = useMemo(
    () => arenaOf({ presets: chosen, others, kept, seeds, baseline, heldOut, axis, runs }, presets),
    [chosen, others, kept, seeds, baseline, heldOut, axis, runs, presets],
  );
  const found = useMemo(() => standings(arena), [arena]);
  const results = useRef<HTMLDivElement>(null);
  const left = remaining(arena).length;
  const showResults = () => {
    // Focused, so that the Tab key goes on from there; of something taller than the window a browser shows any part.
    results.current?.focus({ preventScroll: true });
    results.current?.scrollIntoView();
  };
  const total = arena.contenders.length * arena.seeds.length;
  const hasRuns = arena.runs.length > 0;
  const lines = useMemo(() => stripLines(found, arena.seeds), [found, arena.seeds]);
  return (
    <div className="place with-side">
      {(hasRuns || isBusy(state.task)) && (
        // Where the forms stand above the results and not beside them.
        <p className="arena-jump">
          <Button onPress={showResults}>
            To the results: {total - left} of {total} runs
          </Button>
        </p>
      )}
      <div className="side" ref={form}>
        <ArenaForm arena={arena} left={left} leftKept={remainingKept(arena).length} />
        <AblationCard arena={arena} />
      </div>
      <div className="main arena-results" ref={results} tabIndex={-1}>
        <Panel
          title="Arena"
          about={`Every method on every seed, with the same training samples, problems and starting values. Runs differ more between seeds than between problems: the unit is the seed, and ${ENOUGH_SEEDS} seeds or more are recommended.`}
          actions={<ArenaFiles arena={arena} />}
        >
          <TaskStatus
            task={state.task}
            label={nowWords(state.now)}
            onCancel={cancelArena}
            cancelLabel="Cancel the arena"
            failed="The arena stopped; finished runs are kept"
          >
            <Button onPress={() => void runArena()}>Go on</Button>
          </TaskStatus>
          {hasRuns ? (
            <>
              {arena.axis && <AxisChart arena={arena} axis={arena.axis} />}
              <LineChart
                title="Held-out accuracy, a point for each seed"
                summary={`${arenaSentence(arena, found)} Lines are medians.`}
                source={`baseline ${arena.baseline} · ${arena.seeds.length} seeds · ${arena.contenders[0]?.config.data.heldOut ?? 0} held-out problems each`}
                series={lines}
                x={{
                  label: arena.axis?.label ?? 'method',
                  names: found.map(({ name }) => name),
                  range: [0.4, found.length + 0.6],
                }}
                y={{ label: 'share right', format: '%', range: SHARES }}
                theme={theme}
                // Names that are turned take from its height.
                height={300 + 5 * Math.max(...found.map(({ name }) => name.length))}
                table={() => seedTable(found, arena.seeds)}
                fileName="arena"
              />
              <div className="arena-table">
                <DataTable
                  caption={`Held-out accuracy over seeds, against ${arena.baseline}`}
                  columns={COLUMNS}
                  rows={rowsOf(found)}
                />
              </div>
              {arena.kept && <p className="help">{keptSentence(arena, found)}</p>}
              <p className="help">
                Intervals are 95 % bootstrap intervals over seeds. Differences, in percentage points, are
                paired by seed; p is the exact sign-flip test over seeds, two-sided, corrected by Holm for the
                number of methods compared. Training and teacher are seconds on this machine, with other work
                on it counted.
              </p>
            </>
          ) : (
            !isBusy(state.task) && (
              <Empty>
                Nothing has been run yet. Choose methods and seeds, or an ablation of a paper, and start.
                Every finished run is kept, so you can stop at any time and go on later, even after a reload.
              </Empty>
            )
          )}
        </Panel>
      </div>
    </div>
  );
}
