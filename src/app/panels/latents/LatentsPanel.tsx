import './latents.css';
import { useEffect } from 'react';
import { isTraining } from '../../store/run';
import { isBusy } from '../../store/task';
import { madeThoughts } from '../../store/thoughts';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { ErrorNotice, Notice } from '../../ui/ErrorNotice';
import { Empty, Panel } from '../../ui/Panel';
import { Progress } from '../../ui/Progress';
import { unknownSentence } from '../shared/TokenPreview';
import { AnswerView } from './AnswerView';
import { AttentionView } from './AttentionView';
import { BranchTree } from './BranchTree';
import { EvaluationCard } from './evaluation/EvaluationCard';
import { Inspector } from './Inspector';
import { InterveneForm } from './InterveneForm';
import { LensGrid } from './LensGrid';
import { QuestionCard } from './QuestionCard';
import { Stepper } from './Stepper';
import { StoppingCard } from './stopping/StoppingCard';
import { ThoughtTestCard } from './thought-test/ThoughtTestCard';

/** One question, thought by thought and branch by branch, beside the teacher's explicit chain of thought. */
export function LatentsPanel() {
  const { session, problems, missing } = useApp((state) => state.latents);
  const pairIsReady = useApp((state) => state.pair.status === 'done');
  const training = useApp((state) => isTraining(state.run));
  const { loadProblems, openQuestion } = useActions();

  useEffect(() => {
    if (pairIsReady && problems.status === 'idle') void loadProblems();
  }, [pairIsReady, problems.status, loadProblems]);

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
        {missing !== null && <Notice kind="warning">{missing}</Notice>}
        {session.status === 'idle' && (
          <Empty>
            Pick or type a question and open it. Each latent thought is then shown decoded through the model’s
            own head, at every layer, and can be changed.
          </Empty>
        )}
        {isBusy(session) && <Progress label="Reading the question" />}
        {session.status === 'failed' && (
          <ErrorNotice title="The question was not opened" error={session.error}>
            <Button onPress={() => void openQuestion()}>Try again</Button>
          </ErrorNotice>
        )}
        {session.status === 'done' && <OpenQuestion />}
        <EvaluationCard />
        <ThoughtTestCard />
        <StoppingCard />
      </div>
    </div>
  );
}

function OpenQuestion() {
  const latents = useApp((state) => state.latents);
  const training = useApp((state) => isTraining(state.run));
  const { explicit: askExplicit } = useActions();
  const { session, thought, explicit } = latents;
  if (session.status !== 'done') return null;
  const { student, tokens, unknown, latentSteps: K } = session.value;
  const made = madeThoughts(latents).length;
  return (
    <>
      <Panel
        title="Latent thoughts"
        about={`Student: ${student}. ${tokens.length} tokens read, ${made} of ${K} latent thoughts made.`}
      >
        <p className="question-text">{tokens.join('').trim()}</p>
        {unknown.length > 0 && <Notice kind="warning">{unknownSentence(unknown)}</Notice>}
        <Stepper />
        {thought.status === 'failed' && (
          <ErrorNotice title="The thought was not made" error={thought.error} />
        )}
        <LensGrid />
        <Inspector />
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
      {K > 0 && (
        <Panel
          title="Intervene"
          about="Change a thought, or a token of the question or of the answer’s prompt, before it is fed, or a state inside a layer at its position. A branch is run from there on, and its answer compared."
        >
          <InterveneForm />
        </Panel>
      )}
      <Panel title="Branches" about="What was tried on this question. Branches share their common part.">
        <BranchTree />
      </Panel>
      <Panel title="Attention" about="What the thoughts attend to, as in CODI’s figure 6.">
        <AttentionView />
      </Panel>
    </>
  );
}
