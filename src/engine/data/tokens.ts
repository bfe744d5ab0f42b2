import { ANSWER_PROMPT } from '../../contract/data';
import { quote } from '../../text/quote';
import { InputError } from '../base/errors';
import type { Tokenizer } from '../tokenizer/tokenizer';

/** Whole steps `<<a+b=c>>`; all but the last one, which states the answer (CODI §3.5); or only their results `c`. */
export type RationaleForm = 'steps' | 'all-but-last' | 'results';

/** A problem as text. */
export interface ProblemText {
  readonly question: string;
  /** Each step of the rationale, in order. */
  readonly steps: readonly string[];
  readonly answer: string;
  /** The rationale as it is written, where it is more than its steps joined by spaces. */
  readonly rationale?: string;
}

/** A problem as token ids. */
export interface TokenProblem {
  readonly question: readonly number[];
  readonly rationale: readonly number[];
  /** The tokens of each of its steps by itself, without what stands between them. */
  readonly steps: readonly (readonly number[])[];
  /** The answer, with the end-of-sequence token. */
  readonly answer: readonly number[];
}

/** Texts of a data set ↔ ids of one tokenizer. Parts are tokenized separately and joined, so that positions are known. */
export interface ProblemCodec {
  readonly prompt: readonly number[];
  readonly padId: number;
  readonly endId: number;
  /** @throws InputError for a question without tokens */
  question(text: string): number[];
  /** @param form of the rationale; default whole steps */
  encode(problem: ProblemText, form?: RationaleForm): TokenProblem;
}

/** A question as it is read: its white space joined. */
export const questionText = (text: string): string => text.trim().replace(/\s+/g, ' ');

/** The id that ends an answer. @throws InputError if neither model nor tokenizer names one */
export function endIdOf(tokenizer: Tokenizer, endIds: readonly number[]): number {
  const endId = endIds[0] ?? tokenizer.eosTokenId;
  if (endId === undefined)
    throw new InputError(
      'neither config.json nor the tokenizer names an end-of-sequence token',
      'Use texts instead of word problems, or a checkpoint that names one.',
    );
  return endId;
}

/**
 * The codec of the bundled word problems: parts are tokenized without anything between them. @param answerPrompt what
 * introduces the answer; its last token is the anchor (LoRi §3.3)
 * @throws InputError if neither model nor tokenizer names an end-of-sequence token
 */
export function problemCodec(
  tokenizer: Tokenizer,
  endIds: readonly number[],
  answerPrompt = ANSWER_PROMPT,
): ProblemCodec {
  const plain = (text: string): number[] => tokenizer.encode(text, { addSpecialTokens: false });
  const endId = endIdOf(tokenizer, endIds);
  const question = (text: string): number[] => {
    const cleaned = questionText(text);
    if (cleaned === '' || plain(cleaned).length === 0)
      throw new InputError(
        `the question ${quote(text)} has no tokens`,
        'Type a question, or pick one from the data set.',
      );
    return tokenizer.encode(cleaned);
  };
  return {
    prompt: plain(answerPrompt),
    padId: tokenizer.padTokenId,
    endId,
    question,
    encode: ({ question: text, steps: all, answer }, form = 'steps') => {
      const steps = form === 'all-but-last' ? all.slice(0, -1) : all;
      const each = steps.map(form === 'results' ? (step) => resultOf(plain, step) : plain);
      return {
        question: question(text),
        rationale: form === 'results' ? each.flat() : plain(steps.join(' ')),
        steps: each,
        answer: [...plain(answer), endId],
      };
    },
  };
}

/**
 * The tokens of what a calculation `<<a+b=c>>` results in: those of `c`, and of the signs beside it that share a token with it;
 * all tokens if what is before `=` shares one with it.
 */
export function resultOf(plain: (text: string) => number[], step: string): number[] {
  const whole = plain(step);
  /** How many tokens the step has up to a place, or undefined where a token goes on beyond it. */
  const until = (end: number): number | undefined => {
    const before = plain(step.slice(0, end));
    return before.every((id, i) => id === whole[i]) ? before.length : undefined;
  };
  const sign = step.indexOf('=');
  return whole.slice(until(sign + 1) ?? until(sign) ?? 0, until(step.lastIndexOf('>>')));
}
