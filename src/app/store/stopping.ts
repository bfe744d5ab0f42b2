import type { StoppingReport, StoppingRequest } from '../../contract/stopping';
import { type SubjectId, subjectOf } from './lens-draft';
import { type ProblemsDraft, sourceOf } from './problems-draft';
import { idle, type Task } from './task';
import { SEEDS, type WholeRange, wholeErrors } from './whole';

/** Counterfactual stopping as it is being edited. */
export interface StoppingDraft extends ProblemsDraft {
  readonly subject: SubjectId;
}

export interface StoppingState {
  readonly draft: StoppingDraft;
  readonly task: Task<StoppingReport>;
}

export const initialStopping: StoppingState = {
  draft: { subject: 'student', source: 'held-out', seed: 1, problems: 200 },
  task: idle,
};

/** How many problems may be answered. */
export const STOPPING_PROBLEMS: WholeRange = [1, 1000];

/** What is wrong with the draft, by field. */
export const stoppingErrors = (draft: StoppingDraft): ReadonlyMap<keyof StoppingDraft, string> =>
  wholeErrors(draft, { problems: STOPPING_PROBLEMS, ...(draft.source === 'rows' && { seed: SEEDS }) });

/** The request of a draft without errors. */
export const stoppingRequestOf = (draft: StoppingDraft): StoppingRequest => ({
  subject: subjectOf(draft.subject),
  source: sourceOf(draft),
  problems: draft.problems,
});
