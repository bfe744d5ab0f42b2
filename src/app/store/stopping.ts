import type { StoppingReport, StoppingRequest } from '../../contract/stopping';
import { entriesFor, type FormEntries } from './form-link';
import { type SubjectId, subjectOf } from './lens-draft';
import { type ProblemsDraft, problemsEntries, sourceOf } from './problems-draft';
import { idle, type Task } from './task';
import { SEEDS, type WholeRange, wholeErrors } from './whole';

/** Counterfactual stopping as it is being edited. */
export interface StoppingDraft extends ProblemsDraft {
  readonly subject: SubjectId;
}

export interface StoppingState {
  readonly task: Task<StoppingReport>;
}

export const initialStopping: StoppingState = { task: idle };

export const initialStoppingDraft: StoppingDraft = {
  ...{ subject: 'student', source: 'held-out', seed: 1, problems: 200 },
};

/** What its numbers may be. */
export const STOPPING_RANGES: Readonly<Record<'problems' | 'seed', WholeRange>> = {
  problems: [1, 1000],
  seed: SEEDS,
};

export const stoppingEntries: FormEntries<StoppingDraft> = {
  'stop-subject': entriesFor<StoppingDraft>().subject('subject'),
  ...problemsEntries<StoppingDraft>('stop', STOPPING_RANGES),
};

/** What is wrong with the draft, by field. */
export function stoppingErrors(draft: StoppingDraft): ReadonlyMap<keyof StoppingDraft, string> {
  const { seed, ...ranges } = STOPPING_RANGES;
  return wholeErrors(draft, { ...ranges, ...(draft.source === 'rows' && { seed }) });
}

/** The request of a draft without errors. */
export const stoppingRequestOf = (draft: StoppingDraft): StoppingRequest => ({
  subject: subjectOf(draft.subject),
  source: sourceOf(draft),
  problems: draft.problems,
});
