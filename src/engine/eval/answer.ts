import { isRight } from '../../contract/answer-rules';
import type { Tokenizer } from '../tokenizer/tokenizer';

export { lastNumber } from '../../contract/answer-rules';

/**
 * The text of generated ids. A model's vocabulary may be padded beyond the tokenizer's; such ids, which only an untrained
 * model generates, are left out.
 */
export const textOf = (tokenizer: Tokenizer, ids: readonly number[]): string =>
  tokenizer.decode(ids.filter((id) => id < tokenizer.vocabSize));

/** Exact equality of the last number of `text` with the reference answer, as CODI's evaluation has it. */
export const isCorrect = (text: string, answer: string): boolean => isRight('last-number', text, answer);
