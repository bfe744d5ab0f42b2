import { judged } from '../../contract/answer-judge';
import type { Judgement, RuleId } from '../../contract/answer-rules';
import { ANSWER_PROMPT, type DataPart, type SizedRow } from '../../contract/data';
import { type GenerateEnding, LIMIT_ENDS } from '../../contract/generate';
import { type Share, wilson } from '../../contract/interval';
import { idle, type Task } from './task';
import { whole } from './whole';

/** The open model's answers to drawn rows, each marked by the rule. */

/** What the model wrote after a row's question. */
export interface AnsweredRow {
  readonly row: SizedRow;
  readonly text: string;
  readonly ending: GenerateEnding;
}

/** A row that the model could not be asked, such as one beyond its positions. */
export interface RefusedRow {
  readonly row: SizedRow;
  readonly reason: string;
}

export interface DataAnswers {
  readonly task: Task<true>;
  /** The model that wrote them, and the part of the draw that was answered. */
  readonly model: string | null;
  readonly part: 'sample' | 'held-out';
  readonly rows: readonly AnsweredRow[];
  /** They are not among those that are counted. */
  readonly refused: readonly RefusedRow[];
  /** Maximum number of new tokens in an answer. */
  readonly limit: number;
}

export const initialAnswers: DataAnswers = {
  task: idle,
  model: null,
  part: 'sample',
  rows: [],
  refused: [],
  limit: 256,
};

export const answersError = ({ limit }: Pick<DataAnswers, 'limit'>): string | null =>
  whole(limit, ...LIMIT_ENDS);

/** The part to be answered: the one shown, or else the sample. */
export const answeredPart = ({ part }: { readonly part: DataPart }): 'sample' | 'held-out' =>
  part === 'held-out' ? 'held-out' : 'sample';

/** An answer with the rule's judgement of it. */
export interface JudgedRow extends AnsweredRow, Judgement {}

/** What the rule finds in a text that a model has written after a question, and whether that is right. */
export const judgeText = (rule: RuleId, text: string, answer: string): Judgement =>
  judged(text, answer, { rule, prompt: ANSWER_PROMPT, isWhole: true });

/** The answers so far, each marked by the rule, and the share of correct ones. */
export function judgeAnswers(
  answers: readonly AnsweredRow[],
  rule: RuleId,
): { readonly rows: readonly JudgedRow[]; readonly share: Share } {
  const rows = answers.map((one) => ({ ...one, ...judgeText(rule, one.text, one.row.answer) }));
  return { rows, share: wilson(rows.filter(({ right }) => right).length, rows.length) };
}
