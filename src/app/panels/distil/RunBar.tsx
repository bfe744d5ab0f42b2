import { useMemo } from 'react';
import { methodOf } from '../../../contract/methods/index';
import { draftErrors } from '../../store/draft';
import { PHASES } from '../../store/in-hand';
import { isActive, type RunState } from '../../store/run';
import { shownRun } from '../../store/run-clock';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Progress } from '../../ui/Progress';

/** What the run is doing, in a sentence. */
export function statusOf({ task, isStopping, result, id }: RunState, isLoaded: boolean): string {
  switch (task.status) {
    case 'idle':
      if (result) return result.status === 'stopped' ? 'Stopped.' : 'Done.';
      if (id !== null) return 'Ended early; the curves are kept.';
      return isLoaded ? 'Ready.' : 'No models are loaded yet; Start loads them first.';
    case 'starting':
      return 'Starting: the models are being loaded.';
    case 'running':
      return isStopping ? 'Stopping; the student so far is kept and evaluated.' : 'Running.';
    case 'pausing':
      return 'Pausing …';
    case 'paused':
      return isStopping ? 'Stopping; the student so far is kept and evaluated.' : 'Paused.';
    case 'cancelling':
      return 'Discarding the run …';
    case 'done':
      return result?.status === 'stopped' ? 'Stopped.' : 'Done.';
    case 'failed':
      return 'Failed.';
  }
}

/** Start, pause, resume, stop, and what the run is doing. */
export function RunBar() {
  const run = useApp((state) => state.run);
  const draft = useApp((state) => state.draft);
  const methods = useApp((state) => state.methods);
  const isLoaded = useApp((state) => state.pair.status === 'done');
  const touring = useApp((state) => isBusy(state.tour.task));
  const { startRun, control, cancelRun } = useActions();
  const invalid = useMemo(() => draftErrors(draft, methods).size, [draft, methods]);
  const active = isActive(run);
  const { status } = run.task;
  const shown = shownRun(run.clock, run.config);
  return (
    <div className="run-bar">
      <div className="actions">
        {!active && (
          <Button look="primary" isDisabled={invalid > 0 || touring} onPress={() => void startRun()}>
            Start {methodOf(draft.method, methods).label}
          </Button>
        )}
        {(status === 'running' || status === 'pausing') && (
          <Button isDisabled={status === 'pausing' || run.isStopping} onPress={() => void control('pause')}>
            Pause
          </Button>
        )}
        {status === 'paused' && (
          <Button look="primary" isDisabled={run.isStopping} onPress={() => void control('resume')}>
            Resume
          </Button>
        )}
        {active && (
          <>
            {status !== 'starting' && status !== 'cancelling' && (
              <Button isDisabled={run.isStopping} onPress={() => void control('stop')}>
                Stop and keep
              </Button>
            )}
            <Button look="danger" isDisabled={status === 'cancelling'} onPress={cancelRun}>
              Discard
            </Button>
          </>
        )}
        <p role="status" className="run-status">
          {statusOf(run, isLoaded)}
          {!active && invalid > 0 && ` Correct ${invalid} ${invalid === 1 ? 'value' : 'values'} first.`}
        </p>
      </div>
      {active && status !== 'starting' && (
        <Progress label={shown.phase === null ? 'Starting' : PHASES[shown.phase]} {...shown} />
      )}
    </div>
  );
}
