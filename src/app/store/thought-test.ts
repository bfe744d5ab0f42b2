import type { ThoughtTestReport, ThoughtTestRequest } from '../../contract/thought-test';
import { type SubjectId, subjectOf } from './lens-draft';
import { type ProblemsDraft, sourceOf } from './problems-draft';
import { idle, type Task } from './task';
import { SEEDS, type WholeRange, wholeErrors } from './whole';

/** The test of a student's thoughts as it is being edited. */
export interface ThoughtTestDraft extends ProblemsDraft {
  readonly subject: SubjectId;
  /** Seed of the split of the rows, and of all random draws. */
  readonly seed: number;
  /** As typed; empty for none. */
  readonly ranks: string;
}

export interface ThoughtTestState {
  readonly draft: ThoughtTestDraft;
  readonly task: Task<ThoughtTestReport>;
}

export const initialThoughtTest: ThoughtTestState = {
  draft: { subject: 'student', source: 'held-out', problems: 200, seed: 1, ranks: '1 2 4 8' },
  task: idle,
};

/** How many problems may be answered. */
export const THOUGHT_TEST_PROBLEMS: WholeRange = [2, 1000];

const words = (text: string) => text.split(/[\s,;]+/).filter(Boolean);

/** What is wrong with the draft, by field, for thoughts of H numbers. */
export function thoughtTestErrors(
  draft: ThoughtTestDraft,
  hidden: number | null,
): ReadonlyMap<keyof ThoughtTestDraft, string> {
  const errors = wholeErrors(draft, { problems: THOUGHT_TEST_PROBLEMS, seed: SEEDS });
  const most = (hidden ?? 65_536) - 1;
  const bad = words(draft.ranks).find(
    (word) => !/^\d{1,5}$/.test(word) || Number(word) < 1 || Number(word) > most,
  );
  if (bad !== undefined)
    errors.set('ranks', `“${bad.slice(0, 20)}” is not a rank; write whole numbers from 1 to ${most}.`);
  return errors;
}

/** The request for a draft without errors. */
export const thoughtTestRequestOf = (draft: ThoughtTestDraft): ThoughtTestRequest => ({
  subject: subjectOf(draft.subject),
  source: sourceOf(draft),
  problems: draft.problems,
  seed: draft.seed,
  ranks: [...new Set(words(draft.ranks).map(Number))].sort((a, b) => a - b),
});
