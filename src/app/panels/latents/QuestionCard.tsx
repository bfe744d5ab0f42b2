import { Label, TextArea, TextField } from 'react-aria-components';
import { MAX_LATENT_STEPS } from '../../../contract/methods/shared';
import { shorten } from '../../../text/quote';
import { filterSentence, latentsOf } from '../../store/latent-choice';
import { isTraining } from '../../store/run';
import { studentLine } from '../../store/student';
import { isBusy } from '../../store/task';
import { useActions, useApp, useAppMade } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Choice, Segments } from '../../ui/Choice';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { Panel } from '../../ui/Panel';
import { KnownWords } from '../shared/KnownWords';
import { RangedField } from '../shared/RangedField';
import { TokenPreview } from '../shared/TokenPreview';

const TYPED = 'typed';

/** Which question, which student, how many thoughts. */
export function QuestionCard() {
  const { problems, question, student, steps, session } = useApp((state) => state.latents);
  const hasStudent = useApp((state) => state.studentConfig !== null);
  const line = useApp(({ student: kept }) => (kept === null ? '' : `Student: ${studentLine(kept)}.`));
  const opened = useApp((state) => state.lens.opened.value);
  const reasons = opened?.thoughts !== undefined;
  const isOwn = useApp(
    ({ latents, studentConfig }) =>
      latents.student === 'trained' && studentConfig?.roles.student === 'opened',
  );
  const shown = useAppMade(latentsOf);
  const trained = shown.steps;
  // A student that stops by itself was trained with as many as each problem took.
  const atMost = useApp(({ studentConfig }) => studentConfig !== null && 'latents' in studentConfig);
  const training = useApp((state) => isTraining(state.run));
  const { pickProblem, typeQuestion, openQuestion, chooseStudent, chooseSteps, loadProblems } = useActions();
  const list = problems.value ?? [];
  const count = steps ?? trained;
  // Only a student trained without thoughts can answer without any.
  const least = trained === 0 ? 0 : 1;
  const wrongSteps = !Number.isInteger(count) || count < least || count > MAX_LATENT_STEPS;
  const isThere = student === 'trained' ? hasStudent : student === 'base' || reasons;
  const chosen = isThere ? student : 'base';
  const open = () => void openQuestion();
  return (
    <Panel title="Question">
      {problems.status === 'failed' && (
        <ErrorNotice title="The held-out problems were not loaded" error={problems.error}>
          <Button onPress={() => void loadProblems()}>Try again</Button>
        </ErrorNotice>
      )}
      <Choice
        label="Held-out problem"
        value={question.id ?? TYPED}
        isDisabled={list.length === 0}
        help={
          list.length === 0 && problems.status !== 'failed'
            ? 'Listed when the models are loaded.'
            : 'None of them was used in training.'
        }
        options={[
          { id: TYPED, label: 'your own, below' },
          ...list.map(({ id, question: text }) => ({ id, label: id, about: text })),
          ...(question.id !== null && !list.some(({ id }) => id === question.id)
            ? [{ id: question.id, label: question.id }]
            : []),
        ]}
        onChange={(id) => {
          const problem = list.find((candidate) => candidate.id === id);
          if (problem) pickProblem(problem);
          else if (id === TYPED) typeQuestion(question.text);
        }}
      />
      <TextField className="field" value={question.text} maxLength={2000} onChange={typeQuestion}>
        <Label>
          <span className="field-name">Text</span>
        </Label>
        <TextArea
          rows={4}
          placeholder="Pick a problem above, or type one of the same kind"
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) open();
          }}
        />
      </TextField>
      <TokenPreview
        request={
          question.text.trim() === ''
            ? null
            : {
                subject: { kind: chosen === 'opened' ? 'opened' : 'base' },
                texts: [question.text],
                reading: 'question',
              }
        }
      />
      {chosen !== 'opened' && !isOwn && <KnownWords />}
      {question.expected !== null && (
        <p className="muted">
          Reference answer: <strong>{question.expected}</strong>
        </p>
      )}
      <Segments
        label="Student"
        value={chosen}
        options={[
          { id: 'trained', label: 'Trained', isDisabled: !hasStudent },
          { id: 'base', label: 'Base' },
          ...(reasons ? [{ id: 'opened', label: shorten(opened.name, 24) } as const] : []),
        ]}
        onChange={chooseStudent}
      />
      {!hasStudent && chosen !== 'opened' && (
        <p className="help">
          No student has been trained yet. Run Distil first, or see what the base does without distillation.
        </p>
      )}
      <RangedField
        whole
        label="Latent steps"
        tex="K"
        unit="latents"
        range={[least, MAX_LATENT_STEPS]}
        usual={trained}
        value={count}
        onChange={chooseSteps}
        help={
          chosen === 'opened'
            ? `Its files say ${trained}.`
            : chosen === 'trained'
              ? `Trained with ${atMost ? 'at most ' : ''}${trained}. ${line}`
              : 'The base was not trained with latent steps.'
        }
        error={wrongSteps ? `K must be a whole number from ${least} to ${MAX_LATENT_STEPS}.` : undefined}
      />
      {count > 0 && chosen !== 'opened' && <p className="help">{filterSentence(shown)}</p>}
      {opened && !reasons && !isOwn && (
        <p className="help">
          Questions are answered by the bundled pair, not by the model opened in Model, whose files do not say
          that it reasons in thoughts: that model is used by Low-rank, Generate and Data.
        </p>
      )}
      <Button look="primary" isDisabled={isBusy(session) || training || wrongSteps} onPress={open}>
        Open question
      </Button>
    </Panel>
  );
}
