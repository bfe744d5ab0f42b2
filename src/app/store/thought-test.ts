import type { ThoughtTestReport, ThoughtTestRequest } from '../../contract/thought-test';
import { entriesFor, type FormEntries } from './form-link';
import { type SubjectId, subjectOf } from './lens-draft';
import { type ProblemsDraft, problemsEntries, sourceOf } from './problems-draft';
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
  readonly task: Task<ThoughtTestReport>;
}

export const initialThoughtTest: ThoughtTestState = { task: idle };

export const initialThoughtTestDraft: ThoughtTestDraft = {
  ...{ subject: 'student', source: 'held-out', problems: 200, seed: 1, ranks: '1 2 4 8' },
};

/** What its numbers may be. */
export const THOUGHT_TEST_RANGES: Readonly<Record<'problems' | 'seed', WholeRange>> = {
  problems: [2, 1000],
  seed: SEEDS,
};

/** Numbers of directions, of thoughts of H numbers. */
export const thoughtRanks = (hidden: number | null): WholeRange => [1, (hidden ?? 65_536) - 1];

const words = (text: string) => text.split(/[\s,;]+/).filter(Boolean);

function ranksError(text: string, hidden: number | null): string | null {
  const [least, most] = thoughtRanks(hidden);
  const bad = words(text).find(
    (word) => !/^\d{1,5}$/.test(word) || Number(word) < least || Number(word) > most,
  );
  if (bad === undefined) return null;
  return `“${bad.slice(0, 20)}” is not a rank; write whole numbers from ${least} to ${most}.`;
}

const of = entriesFor<ThoughtTestDraft>();

export const thoughtTestEntries: FormEntries<ThoughtTestDraft> = {
  'thoughts-subject': of.subject('subject'),
  ...problemsEntries<ThoughtTestDraft>('thoughts', THOUGHT_TEST_RANGES),
  'thoughts-ranks': of.list(
    'ranks',
    'whole numbers from 1, separated by commas',
    (text) => ranksError(text, null) === null,
  ),
};

/** What is wrong with the draft, by field, for thoughts of H numbers. */
export function thoughtTestErrors(
  draft: ThoughtTestDraft,
  hidden: number | null,
): ReadonlyMap<keyof ThoughtTestDraft, string> {
  const errors = wholeErrors(draft, THOUGHT_TEST_RANGES);
  const wrong = ranksError(draft.ranks, hidden);
  if (wrong !== null) errors.set('ranks', wrong);
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
