import { ANSWER_RULES, type Judgement, judge as judgeText, type RuleId } from '../../contract/answer-rules';
import type { ProblemCodec } from '../data/tokens';
import type { Tokenizer } from '../tokenizer/tokenizer';

export { lastNumber } from '../../contract/answer-rules';

/**
 * The text of generated ids. A model's vocabulary may be padded beyond the tokenizer's; such ids, which only an untrained
 * model generates, are left out.
 */
export const textOf = (tokenizer: Tokenizer, ids: readonly number[]): string =>
  tokenizer.decode(ids.filter((id) => id < tokenizer.vocabSize));

/** What introduces an answer, as it stands in a text that the model has written. */
export const promptOf = (tokenizer: Tokenizer, { prompt }: Pick<ProblemCodec, 'prompt'>): string =>
  textOf(tokenizer, prompt).trim();

/** How a generated answer is judged. */
export interface AnswerJudge {
  /** Default: exact equality of the last number, as CODI's evaluation has it. */
  readonly rule?: RuleId | undefined;
  /** What introduces the answer in a text that the model has written whole. */
  readonly prompt?: string | undefined;
  /** Whether the model has written the text whole; default false: what introduces the answer was given. */
  readonly isWhole?: boolean | undefined;
}

/**
 * Whether a generated text gives the reference answer. Rules that read the whole text, or its beginning, are given what
 * follows the answer prompt, if it is there; GSM8K's, which looks for `#### `, takes the prompt for that sign.
 */
export const isCorrect = (text: string, answer: string, judge?: AnswerJudge): boolean =>
  judged(text, answer, judge).right;

/** The same, with what the rule found; where it stands there is of the part of the text that the rule was given. */
export function judged(
  text: string,
  answer: string,
  { rule = 'last-number', prompt, isWhole = false }: AnswerJudge = {},
): Judgement {
  if (rule === 'last-number' || rule === 'gsm-hard') return judgeText(rule, text, answer);
  const { needsPrompt = false } = ANSWER_RULES[rule];
  const plain = (of: string): string => (needsPrompt ? of.toLowerCase() : of);
  const at = prompt === undefined ? -1 : plain(text).lastIndexOf(plain(prompt));
  if (at < 0 && needsPrompt && isWhole) return { mark: null, right: false };
  const said = at < 0 ? text : text.slice(at + (prompt as string).length);
  const isMarked = rule !== 'gsm8k' || said.includes('#### ');
  return judgeText(rule, isMarked ? said : `#### ${said.trim()}`, answer);
}
