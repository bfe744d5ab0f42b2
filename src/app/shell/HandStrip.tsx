import { ProgressBar } from 'react-aria-components';
import { type InHand, inHand } from '../store/in-hand';
import { useActions, useAppMade } from '../store/use-app';
import { Button } from '../ui/Button';
import { ProgressTrack, progressWords } from '../ui/Progress';

const WORDS: Partial<Record<InHand['status'], string>> = {
  pausing: 'pausing',
  paused: 'paused',
  cancelling: 'cancelling',
};

/** The task in progress, wherever it was started: progress, time left and cancel. */
export function HandStrip() {
  const tasks = useAppMade(inHand);
  return (
    <div className="hand" aria-live="off">
      {tasks.length === 0 ? (
        <p className="hand-idle">No task running</p>
      ) : (
        tasks.map((task) => <Hand key={task.id} task={task} />)
      )}
    </div>
  );
}

function Hand({ task }: { readonly task: InHand }) {
  const actions = useActions();
  const { label, phase, status, shown } = task;
  const known = shown.total > 0;
  const isCancelling = status === 'cancelling';
  const words = [WORDS[status] ?? phase, ...progressWords(shown)].filter(Boolean).join(' · ');
  return (
    <div className="hand-task">
      <ProgressBar
        className="hand-bar"
        aria-label={label}
        value={shown.done}
        maxValue={known ? shown.total : 1}
        isIndeterminate={!known}
        valueLabel={words}
      >
        {({ percentage, isIndeterminate }) => (
          <>
            <span className="hand-label">{label}</span>
            <span className="hand-words">{words}</span>
            <ProgressTrack percentage={percentage} isIndeterminate={isIndeterminate} />
          </>
        )}
      </ProgressBar>
      <Button
        look="quiet"
        isDisabled={isCancelling}
        aria-label={`Cancel task: ${label}`}
        onPress={() => actions[task.cancel]()}
      >
        {isCancelling ? 'Cancelling …' : 'Cancel'}
      </Button>
    </div>
  );
}
