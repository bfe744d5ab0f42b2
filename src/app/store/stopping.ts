import type { ProblemSource } from '../../contract/problem-source';
import type { StoppingReport, StoppingRequest } from '../../contract/stopping';
import { type SubjectId, subjectOf } from './lens-draft';
import { idle, type Task } from './task';
import { whole } from './whole';

/** Counterfactual stopping as it is being edited. */
export interface StoppingDraft {
  readonly subject: SubjectId;
  readonly source: ProblemSource['kind'];
  readonly seed: number;
  readonly problems: number;
}

export interface StoppingState {
  readonly draft: StoppingDraft;
  readonly task: Task<StoppingReport>;
}

export const initialStopping: StoppingState = {
  draft: { subject: 'student', source: 'held-out', seed: 1, problems: 200 },
  task: idle,
};

/** What is wrong with the draft, by field. */
export function stoppingErrors({
  problems,
  source,
  seed,
}: StoppingDraft): ReadonlyMap<keyof StoppingDraft, string> {
  const errors = new Map<keyof StoppingDraft, string>();
  const few = whole(problems, 1, 1000);
  if (few !== null) errors.set('problems', few);
  const wrong = source === 'rows' ? whole(seed, 0, 2 ** 31 - 1) : null;
  if (wrong !== null) errors.set('seed', wrong);
  return errors;
}

/** The problems of a draft. */
export const sourceOf = ({ source, seed }: Pick<StoppingDraft, 'source' | 'seed'>): ProblemSource =>
  source === 'rows' ? { kind: 'rows', seed } : { kind: 'held-out' };

/** The request of a draft without errors. */
export const stoppingRequestOf = (draft: StoppingDraft): StoppingRequest => ({
  subject: subjectOf(draft.subject),
  source: sourceOf(draft),
  problems: draft.problems,
});
