import type { ReactNode } from 'react';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { duration } from '../../ui/format';
import { Progress } from '../../ui/Progress';
import { TokenBars } from './ThoughtRow';

const sameValue = (a: string, b: string) =>
  a.trim() === b.trim() || (a.trim() !== '' && b.trim() !== '' && Number(a) === Number(b));

function Verdict({ value, expected }: { readonly value: string | null; readonly expected: string | null }) {
  if (value === null) return <span className="verdict">no number in the answer</span>;
  if (expected === null) return <span className="verdict muted">no reference answer</span>;
  return sameValue(value, expected) ? (
    <span className="verdict right">✓ correct</span>
  ) : (
    <span className="verdict wrong">✕ incorrect, expected {expected}</span>
  );
}

interface SideProps {
  readonly title: string;
  readonly value: string | null;
  readonly expected: string | null;
  readonly time: string;
  readonly children: ReactNode;
}

function Side({ title, value, expected, time, children }: SideProps) {
  return (
    <div className="side-by-side">
      <h4>{title}</h4>
      <p className="answer-value">
        {value ?? '–'} <Verdict value={value} expected={expected} />
      </p>
      <p className="muted">{time}</p>
      {children}
    </div>
  );
}

/** Both answers, their latencies, and the factor between them. */
export function AnswerView() {
  const { session, answer, explicit, question, thoughts } = useApp((state) => state.latents);
  const actions = useActions();
  const expected = session.value?.expected ?? question.expected;
  const latent = answer.status === 'done' ? answer.value : null;
  const spoken = explicit.status === 'done' ? explicit.value : null;
  const factor =
    latent && spoken && latent.totalMilliseconds > 0 ? spoken.milliseconds / latent.totalMilliseconds : null;
  return (
    <>
      <div className="columns-2" aria-live="polite">
        <div>
          {answer.status === 'idle' && (
            <p className="muted">No answer yet. Step through the thoughts, then press “Answer now”.</p>
          )}
          {isBusy(answer) && <Progress label="Answering" />}
          {answer.status === 'failed' && (
            <ErrorNotice title="No answer was made" error={answer.error}>
              <Button onPress={() => void actions.answer()}>Try again</Button>
            </ErrorNotice>
          )}
          {latent && (
            <Side
              title="Student, latent"
              value={latent.value}
              expected={expected}
              time={`${duration(latent.totalMilliseconds)} for the question, ${session.value?.latentSteps === thoughts.length ? thoughts.length : `${thoughts.length} of ${session.value?.latentSteps}`} thoughts and the answer`}
            >
              <p className="generated">{latent.text}</p>
              <TokenBars tokens={latent.top} />
            </Side>
          )}
        </div>
        <div>
          {explicit.status === 'idle' && (
            <p className="muted">Press “Explicit chain of thought” to see how the teacher answers.</p>
          )}
          {isBusy(explicit) && <Progress label="The teacher is reasoning in steps" />}
          {explicit.status === 'failed' && (
            <ErrorNotice title="The explicit chain of thought was not made" error={explicit.error}>
              <Button onPress={() => void actions.explicit()}>Try again</Button>
            </ErrorNotice>
          )}
          {spoken && (
            <Side
              title="Teacher, explicit"
              value={spoken.value}
              expected={expected}
              time={`${duration(spoken.milliseconds)} for ${spoken.tokens} tokens`}
            >
              <p className="generated">{spoken.text}</p>
            </Side>
          )}
        </div>
      </div>
      {factor !== null && (
        <p className="factor">
          {factor >= 1
            ? `The latent answer was ${factor.toFixed(1)} times faster.`
            : `The latent answer was ${(1 / factor).toFixed(1)} times slower here.`}
        </p>
      )}
    </>
  );
}
