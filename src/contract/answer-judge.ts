import { ANSWER_RULES, type Judgement, judge, type RuleId } from './answer-rules';

/** How a generated answer is judged: wherever a model's answers are marked, by this function. */

/** How a generated answer is judged. */
export interface AnswerJudge {
  /** Default: exact equality of the last number, as CODI's evaluation has it. */
  readonly rule?: RuleId | undefined;
  /** What introduces the answer in a text that the model has written whole. */
  readonly prompt?: string | undefined;
  /** Whether the model has written the text whole; default false: what introduces the answer was given. */
  readonly isWhole?: boolean | undefined;
}

const SIGN = '#### ';

/**
 * Whether a generated text gives the reference answer, and what the rule found in it. Rules that read the whole text, or its
 * beginning, are given what follows the answer prompt, if it is there; GSM8K's, which looks for `#### `, takes the prompt for
 * that sign, also where it was given.
 */
export function judged(
  text: string,
  answer: string,
  { rule = 'last-number', prompt, isWhole = false }: AnswerJudge = {},
): Judgement {
  if (rule === 'last-number' || rule === 'gsm-hard') return judge(rule, text, answer);
  const { needsPrompt = false } = ANSWER_RULES[rule];
  const plain = (of: string): string => (needsPrompt ? of.toLowerCase() : of);
  const at = prompt === undefined ? -1 : plain(text).lastIndexOf(plain(prompt));
  if (at < 0 && needsPrompt && isWhole) return { mark: null, right: false };
  const from = at < 0 ? 0 : at + (prompt as string).length;
  const said = text.slice(from);
  const hasPrompt = at >= 0 || !isWhole;
  if (rule !== 'gsm8k' || said.includes(SIGN) || !hasPrompt) return moved(judge(rule, said, answer), from);
  const space = said.length - said.trimStart().length;
  return moved(judge(rule, SIGN + said.trim(), answer), from + space - SIGN.length);
}

/** The mark's place in a text of which the rule was given the part that begins so many characters on. */
const moved = ({ mark, right }: Judgement, by: number): Judgement => ({
  right,
  mark: mark && { ...mark, start: mark.start + by, end: mark.end + by },
});
