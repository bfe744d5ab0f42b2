import { RULE_IDS, type RuleId } from '../../contract/answer-rules';
import {
  answererKey,
  EVALUATION_MODES,
  type Evaluation,
  type EvaluationMode,
  type EvaluationRequest,
  evaluationKey,
  MAX_EVALUATED,
  MAX_TOGETHER,
  requestKey,
} from '../../contract/evaluation';
import { MAX_LATENT_STEPS } from '../../contract/methods/shared';
import type { DamagedRow } from '../../storage/rows';
import { entriesFor, type FormEntries } from './form-link';
import { type SubjectId, subjectOf } from './lens-draft';
import { type ProblemsDraft, problemsEntries, sourceOf } from './problems-draft';
import { idle, type Task } from './task';
import { numbersIn, SEEDS, type WholeRange, wholeErrors } from './whole';

/** An evaluation as it is being edited. */
export interface EvaluationDraft extends ProblemsDraft {
  readonly subject: SubjectId;
  readonly mode: EvaluationMode;
  /** Numbers of thoughts as typed, each an evaluation of its own; empty for the subject's own. */
  readonly thoughts: string;
  readonly together: number;
  readonly rule: RuleId | 'set';
}

/** An evaluation that was started, with an id for the page. */
export interface KeptEvaluation {
  readonly id: number;
  readonly evaluation: Evaluation;
}

export interface EvaluationState {
  readonly task: Task<true>;
  /** In the order in which they were started. */
  readonly list: readonly KeptEvaluation[];
  /** The one whose answers are shown, and the one that it is compared with. */
  readonly shown: number | null;
  readonly other: number | null;
  /** Stored rows that cannot be read. */
  readonly damaged: readonly DamagedRow[];
  /** Whether the stored evaluations have been read, which happens when they are first shown. */
  readonly isRead: boolean;
}

export const initialEvaluationDraft: EvaluationDraft = {
  ...{ subject: 'student', mode: 'latent', thoughts: '', source: 'held-out' },
  ...{ seed: 1, problems: 200, together: 1, rule: 'set' },
};

/** What its numbers may be. */
export const EVALUATION_RANGES: Readonly<Record<'problems' | 'together' | 'seed', WholeRange>> = {
  problems: [1, MAX_EVALUATED],
  together: [1, MAX_TOGETHER],
  seed: SEEDS,
};

const of = entriesFor<EvaluationDraft>();

export const evaluationEntries: FormEntries<EvaluationDraft> = {
  'eval-subject': of.subject('subject'),
  'eval-mode': of.oneOf('mode', EVALUATION_MODES),
  'eval-thoughts': of.list(
    'thoughts',
    `numbers and ranges from 0 to ${MAX_LATENT_STEPS}, such as 0-3,6`,
    (text) => typeof numbersIn(text, 0, MAX_LATENT_STEPS) !== 'string',
  ),
  ...problemsEntries<EvaluationDraft>('eval', EVALUATION_RANGES),
  'eval-together': of.count('together', EVALUATION_RANGES.together),
  'eval-rule': of.oneOf('rule', ['set', ...RULE_IDS]),
};

export const initialEvaluation: EvaluationState = {
  task: idle,
  list: [],
  shown: null,
  other: null,
  damaged: [],
  isRead: false,
};

/** What is wrong with the draft, by field. */
export function evaluationErrors(draft: EvaluationDraft): ReadonlyMap<keyof EvaluationDraft, string> {
  const { seed, ...ranges } = EVALUATION_RANGES;
  const errors = wholeErrors(draft, { ...ranges, ...(draft.source === 'rows' && { seed }) });
  if (draft.mode === 'latent' && draft.thoughts.trim() !== '') {
    const counts = numbersIn(draft.thoughts, 0, MAX_LATENT_STEPS);
    if (typeof counts === 'string') errors.set('thoughts', counts);
  }
  return errors;
}

/** The requests of a draft without errors: one, or one for each number of thoughts. */
export function evaluationRequestsOf(draft: EvaluationDraft): readonly EvaluationRequest[] {
  const { mode, thoughts, problems, together, rule } = draft;
  const request: EvaluationRequest = {
    ...{ subject: subjectOf(draft.subject), mode, problems, rule, together },
    source: sourceOf(draft),
  };
  const counts = mode === 'latent' && thoughts.trim() !== '' ? numbersIn(thoughts, 0, MAX_LATENT_STEPS) : [];
  if (typeof counts === 'string' || counts.length === 0) return [request];
  return counts.map((count) => ({ ...request, thoughts: count }));
}

export const isComplete = ({ items, total }: Evaluation): boolean => items.length >= total;

/** The list with an evaluation in place of an earlier one with the same key, or at its end. */
export function withEvaluation(
  list: readonly KeptEvaluation[],
  evaluation: Evaluation,
): { readonly list: readonly KeptEvaluation[]; readonly id: number } {
  const key = evaluationKey(evaluation);
  const known = list.find((one) => evaluationKey(one.evaluation) === key);
  if (known) return { id: known.id, list: list.map((one) => (one === known ? { ...one, evaluation } : one)) };
  const id = Math.max(0, ...list.map((one) => one.id)) + 1;
  return { id, list: [...list, { id, evaluation }] };
}

/**
 * The evaluations with the same weights and problems as one, ordered by number of thoughts: what a sweep
 * shows.
 */
export const sweepOf = (
  list: readonly KeptEvaluation[],
  of: Evaluation,
): readonly { readonly thoughts: number; readonly evaluation: Evaluation }[] => {
  const key = (one: Evaluation) =>
    `${requestKey({ ...one.request, thoughts: undefined, together: 1 })} ${answererKey(one)}`;
  if (of.request.mode !== 'latent') return [];
  return list
    .map(({ evaluation }) => evaluation)
    .filter(
      (one) =>
        key(one) === key(of) &&
        one.items.length > 0 &&
        (one.request.thoughts !== undefined || !one.stopsByItself),
    )
    .map((evaluation) => ({ thoughts: evaluation.request.thoughts ?? evaluation.thoughts ?? 0, evaluation }))
    .sort((a, b) => a.thoughts - b.thoughts);
};
