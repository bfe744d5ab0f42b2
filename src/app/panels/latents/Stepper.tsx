import { isTraining } from '../../store/run';
import { isBusy } from '../../store/task';
import { madeThoughts } from '../../store/thoughts';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { useStepKeys } from './use-step-keys';

/** Moving through the thoughts: buttons, one mark a step with its breakpoint, and the keys that do the same. */
export function Stepper() {
  const latents = useApp((state) => state.latents);
  const training = useApp((state) => isTraining(state.run));
  const { session, step, breakpoints, thought, answer } = latents;
  const { stepTo, step: next, back, runOn, stepAll, answer: askAnswer, toggleBreakpoint } = useActions();
  const K = session.value?.latentSteps ?? 0;
  const busy = isBusy(thought) || isBusy(answer);
  useStepKeys(session.status === 'done' && !training);
  const made = madeThoughts(latents).length;
  const isLast = step >= K;
  return (
    <div className="stepper">
      <div className="actions">
        <Button isDisabled={step === 0 || training || busy} onPress={() => void stepTo(0)}>
          To the question
        </Button>
        <Button isDisabled={step === 0 || training || busy} onPress={() => void back()}>
          <span aria-hidden="true">←</span> Back
        </Button>
        <Button
          look={isLast ? 'plain' : 'primary'}
          isDisabled={isLast || training || busy}
          onPress={() => void next()}
        >
          Next thought <span aria-hidden="true">→</span>
        </Button>
        <Button isDisabled={training || busy} onPress={() => void runOn()}>
          Run{breakpoints.some((one) => one > step) ? ' to breakpoint' : ' to the end'}
        </Button>
        <Button isDisabled={isLast || training || busy} onPress={() => void stepAll()}>
          All, then answer
        </Button>
        <Button
          look={isLast ? 'primary' : 'plain'}
          isDisabled={training || busy}
          onPress={() => void askAnswer()}
        >
          Answer now
        </Button>
      </div>
      <ol className="steps" aria-label="Thoughts">
        {Array.from({ length: K + 1 }, (_, t) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a step is its place
          <li key={t}>
            <Button
              className={`step-mark ${t === step ? 'is-shown' : ''} ${t <= made ? 'is-made' : ''}`}
              aria-current={t === step ? 'step' : undefined}
              isDisabled={training || busy}
              onPress={() => void stepTo(t)}
            >
              {t === 0 ? 'Question' : `z${t}`}
              <span className="visually-hidden">{t <= made ? ', made' : ', not made yet'}</span>
            </Button>
            {t > 0 && (
              <Button
                look="quiet"
                className="breakpoint"
                aria-pressed={breakpoints.includes(t)}
                aria-label={`Breakpoint at z${t}`}
                onPress={() => toggleBreakpoint(t)}
              >
                <span aria-hidden="true">{breakpoints.includes(t) ? '●' : '○'}</span>
              </Button>
            )}
          </li>
        ))}
      </ol>
      <p className="help">
        <kbd>→</kbd> next, <kbd>←</kbd> back, <kbd>Shift →</kbd> run to a breakpoint (●) or the end,{' '}
        <kbd>Shift ←</kbd> question, <kbd>Ctrl Z</kbd> and <kbd>Ctrl Y</kbd> undo and redo a branch.
      </p>
    </div>
  );
}
