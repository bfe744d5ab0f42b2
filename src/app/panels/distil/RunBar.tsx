import { useMemo } from 'react';
import type { KeptEvent } from '../../../contract/events';
import { methodOf } from '../../../contract/methods/index';
import { draftErrors } from '../../store/draft';
import { PHASES } from '../../store/in-hand';
import { isActive, type RunState } from '../../store/run';
import { shownRun } from '../../store/run-clock';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { bytes, duration } from '../../ui/format';
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

/** What can be lost of the run. */
function keptSentence({ step, every, bytes: size, milliseconds, failure }: KeptEvent): string {
  if (failure !== null) return `Not kept since step ${step}: ${failure}`;
  const steps = every === 1 ? 'the last step' : `the last ${every} steps`;
  return `Kept at step ${step} (${bytes(size)} in ${duration(milliseconds)}): if the tab closes now, at most ${steps} are lost.`;
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
      {active && run.kept && <p className="help">{keptSentence(run.kept)}</p>}
      {active && status !== 'starting' && (
        <Progress label={shown.phase === null ? 'Starting' : PHASES[shown.phase]} {...shown} />
      )}
    </div>
  );
}
