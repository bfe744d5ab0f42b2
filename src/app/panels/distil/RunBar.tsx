import { useMemo } from 'react';
import { methodOf } from '../../../contract/methods/index';
import { draftErrors } from '../../store/draft';
import { isActive, type RunState } from '../../store/run';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Progress } from '../../ui/Progress';

const PHASES: Readonly<Record<string, string>> = {
  load: 'Loading',
  compile: 'Compiling programs',
  teacher: 'Teacher’s pass over the samples',
  factors: 'Decomposing the teacher’s states',
  train: 'Training',
  evaluate: 'Evaluating',
  spectra: 'Decomposing',
};

export const STATUS: Readonly<Record<RunState['status'], string>> = {
  idle: 'Nothing is loaded yet; Start loads the pair first.',
  loading: 'The pair is loading.',
  ready: 'Ready.',
  running: 'Running.',
  paused: 'Paused.',
  done: 'Done.',
  stopped: 'Stopped.',
  failed: 'Failed.',
};

const WISHES = {
  pause: 'Pausing after this step …',
  resume: 'Resuming …',
  stop: 'Stopping; the student so far is kept and evaluated …',
} as const;

/** Start, pause, resume, stop, and what the run is doing. */
export function RunBar() {
  const run = useApp((state) => state.run);
  const draft = useApp((state) => state.draft);
  const methods = useApp((state) => state.methods);
  const loading = useApp((state) => state.pair.status === 'busy');
  const touring = useApp((state) => state.tour.status === 'running');
  const { startRun, control, cancelRun } = useActions();
  const invalid = useMemo(() => draftErrors(draft, methods).size, [draft, methods]);
  const active = isActive(run);
  return (
    <div className="run-bar">
      <div className="actions">
        {!active && (
          <Button
            look="primary"
            isDisabled={invalid > 0 || loading || touring}
            onPress={() => void startRun()}
          >
            Start {methodOf(draft.method, methods).label}
          </Button>
        )}
        {run.status === 'running' && (
          <Button isDisabled={run.wish !== null} onPress={() => void control('pause')}>
            Pause
          </Button>
        )}
        {run.status === 'paused' && (
          <Button look="primary" isDisabled={run.wish !== null} onPress={() => void control('resume')}>
            Resume
          </Button>
        )}
        {active && (
          <>
            <Button isDisabled={run.wish === 'stop'} onPress={() => void control('stop')}>
              Stop and keep
            </Button>
            <Button look="danger" onPress={cancelRun}>
              Drop
            </Button>
          </>
        )}
        <p role="status" className="run-status">
          {run.wish ? WISHES[run.wish] : STATUS[run.status]}
          {!active &&
            invalid > 0 &&
            ` ${invalid} ${invalid === 1 ? 'value is' : 'values are'} to be corrected first.`}
        </p>
      </div>
      {active && (
        <Progress
          label={run.progress ? (PHASES[run.progress.phase] ?? run.progress.phase) : 'Starting'}
          {...run.progress}
        />
      )}
    </div>
  );
}
