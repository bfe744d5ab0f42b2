import type { LatentChoice, StudentChoice } from '../../contract/calls';
import type { ExplicitReport, LatentSession, Problem } from '../../contract/events';
import type { Moment } from '../../contract/latents';
import type { AnswerDifference, BranchAnswer, ThoughtReport } from '../../contract/thoughts';
import { answerKey, type Branches, initialBranches, interventionsOf, momentKey } from './branches';
import { idle, type Task } from './task';

export interface Question {
  readonly text: string;
  /** Id of the held-out problem, unless the question was typed. */
  readonly id: string | null;
  readonly expected: string | null;
}

/** The Latents place: one question, stepped through in branches. */
export interface LatentsState {
  readonly problems: Task<readonly Problem[]>;
  readonly question: Question;
  readonly student: StudentChoice;
  /** K, or `null` for the K it was trained with. */
  readonly steps: number | null;
  /** How the base model makes latents if a link says so; `null` for the run form's settings. */
  readonly choice: LatentChoice | null;
  readonly session: Task<LatentSession>;
  readonly branches: Branches;
  /** The thought that is shown, 0…K; 0 is the question's last position. */
  readonly step: number;
  /** The layer that is shown, 1…L; `null` for the last. */
  readonly layer: number | null;
  /** Steps at which running on stops, ascending. */
  readonly breakpoints: readonly number[];
  /** The thoughts computed so far, by `momentKey`: branches that begin alike share them. */
  readonly seen: Readonly<Record<string, ThoughtReport>>;
  /** By `answerKey`. */
  readonly answers: Readonly<Record<string, BranchAnswer>>;
  /** By the keys of the two moments. */
  readonly differences: Readonly<Record<string, AnswerDifference>>;
  /** The thought being computed. */
  readonly thought: Task<ThoughtReport>;
  readonly answer: Task<BranchAnswer>;
  readonly explicit: Task<ExplicitReport>;
  /** What a link asked for that is missing here, or differs. */
  readonly missing: string | null;
}

/** Everything about a question that has been closed or changed. */
export const nothingSeen = {
  session: idle,
  branches: initialBranches,
  step: 0,
  layer: null,
  breakpoints: [],
  seen: {},
  answers: {},
  differences: {},
  thought: idle,
  answer: idle,
} satisfies Partial<LatentsState>;

export const initialLatents: LatentsState = {
  ...nothingSeen,
  problems: idle,
  question: { text: '', id: null, expected: null },
  student: 'base',
  steps: null,
  choice: null,
  explicit: idle,
  missing: null,
};

/** The moment of a branch after `step` thoughts, in the open question. */
export const momentIn = (
  { session, branches }: LatentsState,
  step: number,
  branch: number = branches.current,
): Moment => ({
  session: session.value?.session ?? -1,
  step,
  interventions: interventionsOf(branches, branch),
});

export const keyIn = ({ branches }: LatentsState, step: number, branch: number = branches.current): string =>
  momentKey(interventionsOf(branches, branch), step);

/** The same for the answer after that thought. */
export const answerKeyIn = (
  { branches }: LatentsState,
  step: number,
  branch: number = branches.current,
): string => answerKey(interventionsOf(branches, branch), step);

/** The unbroken sequence of computed thoughts in the current branch, from the question's last position on. */
export function seenThoughts(latents: LatentsState): ThoughtReport[] {
  const found: ThoughtReport[] = [];
  for (let step = 0; ; step++) {
    const report = latents.seen[keyIn(latents, step)];
    if (!report) return found;
    found.push(report);
  }
}

/** The same without the question's own position. */
export const madeThoughts = (latents: LatentsState): ThoughtReport[] => seenThoughts(latents).slice(1);

/** The thought that is shown, if it has been computed. */
export const shownThought = (latents: LatentsState): ThoughtReport | null =>
  latents.seen[keyIn(latents, latents.step)] ?? null;

/** The answer after the thought that is shown. */
export const shownAnswer = (latents: LatentsState, branch?: number): BranchAnswer | null =>
  latents.answers[answerKeyIn(latents, latents.step, branch)] ?? null;

export const differenceKey = (latents: LatentsState, branch: number = latents.branches.current): string =>
  `${answerKeyIn(latents, latents.step, latents.branches.reference)} → ${answerKeyIn(latents, latents.step, branch)}`;

/** How the answer after that thought differs from the reference branch's. */
export const shownDifference = (latents: LatentsState, branch?: number): AnswerDifference | null =>
  latents.differences[differenceKey(latents, branch)] ?? null;
