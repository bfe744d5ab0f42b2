import type { ReactNode } from 'react';
import type { ExplicitToken } from '../../../contract/events';
import type { AnswerDifference, BranchAnswer } from '../../../contract/thoughts';
import { shorten } from '../../../text/quote';
import { branchName, branchOf } from '../../store/branches';
import { isBusy } from '../../store/task';
import { shownAnswer, shownDifference } from '../../store/thoughts';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { ErrorNotice } from '../../ui/ErrorNotice';
import { duration, probability, visibleToken } from '../../ui/format';
import { Progress } from '../../ui/Progress';
import { Difference } from './Difference';
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

/** Both answers, their latencies, the factor between them, and on a branch what it changed. */
export function AnswerView() {
  const latents = useApp((state) => state.latents);
  const { session, answer, explicit, question, branches } = latents;
  const actions = useActions();
  const expected = session.value?.expected ?? question.expected;
  const latent = shownAnswer(latents);
  const spoken = explicit.status === 'done' ? explicit.value : null;
  const difference = shownDifference(latents);
  const factor =
    latent && spoken && latent.totalMilliseconds > 0 ? spoken.milliseconds / latent.totalMilliseconds : null;
  return (
    <>
      <div className="columns-2" aria-live="polite">
        <div>
          {isBusy(answer) && <Progress label="Answering" />}
          {answer.status === 'failed' && (
            <ErrorNotice title="No answer was made" error={answer.error}>
              <Button onPress={() => void actions.answer()}>Try again</Button>
            </ErrorNotice>
          )}
          {!latent && !isBusy(answer) && answer.status !== 'failed' && (
            <p className="muted">No answer here yet. Step through the thoughts, then press “Answer now”.</p>
          )}
          {latent && (
            <Side
              title={branches.current === 0 ? 'Student, latent' : `Student, ${shortName(latents)}`}
              value={latent.value}
              expected={expected}
              time={timeOf(latent, session.value?.latentSteps ?? 0)}
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
            <ErrorNotice title="The explicit chain of thought was not generated" error={explicit.error}>
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
              <Chain tokens={spoken.chain} />
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
      {difference && <DifferenceOf difference={difference} />}
    </>
  );
}

function DifferenceOf({ difference }: { readonly difference: AnswerDifference }) {
  const branches = useApp((state) => state.latents.branches);
  return (
    <Difference
      difference={difference}
      before={branchName(branchOf(branches, branches.reference))}
      after={branchName(branchOf(branches, branches.current))}
    />
  );
}

const shortName = ({ branches }: Parameters<typeof shownAnswer>[0]): string =>
  shorten(branchName(branchOf(branches, branches.current)), 40);

function timeOf({ totalMilliseconds, step, ran }: BranchAnswer, K: number): string {
  const thoughts = step === K ? `${step}` : `${step} of ${K}`;
  const replayed = ran > 0 ? ` (${ran} passes were run, the others were cached)` : '';
  return `${duration(totalMilliseconds)} for the question, ${thoughts} thoughts and the answer${replayed}`;
}

/** The teacher's chain token by token, each with its probability and time. */
function Chain({ tokens }: { readonly tokens: readonly ExplicitToken[] }) {
  return (
    <details>
      <summary>Token by token</summary>
      <ol className="chain">
        {tokens.map(({ text, probability: share, milliseconds }, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a token is its place
          <li key={i}>
            <span className="token">{visibleToken(text)}</span> {probability(share)}, {duration(milliseconds)}
          </li>
        ))}
      </ol>
    </details>
  );
}
