import { type AnswerJudge, judged } from '../../contract/answer-judge';
import type { ProblemCodec } from '../data/tokens';
import type { Tokenizer } from '../tokenizer/tokenizer';

export { type AnswerJudge, judged } from '../../contract/answer-judge';
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

/** Whether a generated text gives the reference answer, see `judged`. */
export const isCorrect = (text: string, answer: string, judge?: AnswerJudge): boolean =>
  judged(text, answer, judge).right;
