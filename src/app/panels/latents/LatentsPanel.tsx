import './latents.css';
import { useEffect } from 'react';
import { shownSentence } from '../../store/latent-choice';
import { isTraining } from '../../store/run';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { ErrorNotice, Notice } from '../../ui/ErrorNotice';
import { Empty, Panel } from '../../ui/Panel';
import { Progress } from '../../ui/Progress';
import { unknownSentence } from '../shared/TokenPreview';
import { AnswerView } from './AnswerView';
import { QuestionCard } from './QuestionCard';
import { ThoughtRow } from './ThoughtRow';
import { ThoughtTestCard } from './thought-test/ThoughtTestCard';

/** One question, thought by thought, beside the teacher's explicit chain of thought. */
export function LatentsPanel() {
  const { session, thoughts, thought, answer, explicit, problems } = useApp((state) => state.latents);
  const pairIsReady = useApp((state) => state.pair.status === 'done');
  const training = useApp((state) => isTraining(state.run));
  const {
    loadProblems,
    step,
    stepAll,
    answer: askAnswer,
    explicit: askExplicit,
    openQuestion,
  } = useActions();
  const steps = session.value?.latentSteps ?? 0;
  const left = session.status === 'done' && thoughts.length < steps;

  useEffect(() => {
    if (pairIsReady && problems.status === 'idle') void loadProblems();
  }, [pairIsReady, problems.status, loadProblems]);

  useEffect(() => {
    if (!left || training) return;
    const onKey = (event: KeyboardEvent) => {
      const takesArrows =
        event.target instanceof Element &&
        event.target.closest('input, textarea, [role="listbox"], [role="radiogroup"], [role="tablist"]');
      if (event.key !== 'ArrowRight' || takesArrows || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      void step();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [left, training, step]);

  return (
    <div className="place with-side">
      <div className="side">
        <QuestionCard />
      </div>
      <div className="main">
        {training && (
          <p className="muted">
            A run is training. Pause it, or wait for it to end, to step through latent thoughts.
          </p>
        )}
        {session.status === 'idle' && (
          <Empty>
            Pick or type a question and open it. Each latent thought is then shown decoded through the model’s
            own head.
          </Empty>
        )}
        {isBusy(session) && <Progress label="Reading the question" />}
        {session.status === 'failed' && (
          <ErrorNotice title="The question was not opened" error={session.error}>
            <Button onPress={() => void openQuestion()}>Try again</Button>
          </ErrorNotice>
        )}
        {session.status === 'done' && (
          <>
            <Panel
              title="Latent thoughts"
              about={`Student: ${session.value.student}. ${session.value.tokens.length} tokens read, ${thoughts.length} of ${steps} latent thoughts made. ${steps > 0 ? shownSentence(session.value) : ''}`}
              actions={
                <>
                  <Button
                    look={left ? 'primary' : 'plain'}
                    isDisabled={!left || training}
                    onPress={() => void step()}
                  >
                    Next thought <span aria-hidden="true">→</span>
                  </Button>
                  <Button isDisabled={!left || training} onPress={() => void stepAll()}>
                    All, then answer
                  </Button>
                  <Button
                    look={left || answer.status === 'done' ? 'plain' : 'primary'}
                    isDisabled={training}
                    onPress={() => void askAnswer()}
                  >
                    Answer now
                  </Button>
                </>
              }
            >
              <Question tokens={session.value.tokens} />
              {session.value.unknown.length > 0 && (
                <Notice kind="warning">{unknownSentence(session.value.unknown)}</Notice>
              )}
              {thought.status === 'failed' && (
                <ErrorNotice title="The next thought was not made" error={thought.error} />
              )}
              {thoughts.length === 0 ? (
                <p className="muted">No thoughts yet. Press “Next thought”, or the right arrow key.</p>
              ) : (
                <ol className="thoughts" aria-live="polite">
                  {thoughts.map((thought) => (
                    <ThoughtRow key={thought.step} thought={thought} />
                  ))}
                </ol>
              )}
            </Panel>
            <Panel
              title="Answer"
              about="The student’s answer after its latent thoughts, beside the teacher’s explicit chain of thought."
              actions={
                <Button isDisabled={isBusy(explicit) || training} onPress={() => void askExplicit()}>
                  Explicit chain of thought
                </Button>
              }
            >
              <AnswerView />
            </Panel>
          </>
        )}
        <ThoughtTestCard />
      </div>
    </div>
  );
}

function Question({ tokens }: { readonly tokens: readonly string[] }) {
  return <p className="question-text">{tokens.join('').trim()}</p>;
}
