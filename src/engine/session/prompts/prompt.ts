import { InputError } from '../../base/errors';
import type { Token, Tokenizer } from '../../tokenizer/tokenizer';

export interface Prompt {
  /** What is read. */
  readonly text: string;
  readonly tokens: readonly Token[];
}

/**
 * A typed text as it is fed: by itself, with what the tokenizer puts around a text, or by a chat template as the message of
 * a user, up to where the answer begins; the template has its own special tokens.
 * @throws InputError for a template that the model does not have or that refuses the message, and for what has no tokens
 */
export function promptOf(tokenizer: Tokenizer, typed: string, template?: string): Prompt {
  if (template === undefined) return { text: typed, tokens: tokenizer.tokens(typed) };
  if (tokenizer.chat === undefined)
    throw new InputError('the model has no chat template', 'Use the plain text.');
  const text = tokenizer.chat.render([{ role: 'user', content: typed }], { name: template });
  return { text, tokens: tokenizer.tokens(text, { addSpecialTokens: false }) };
}

/** A word as it is written, without the mark of its tokenizer. */
export const wordOf = (piece: string): string => piece.replaceAll('▁', ' ').trim() || 'a space';

/** The words that the unknown tokens of a text stand for, each once. */
export const unknownWords = (tokens: readonly Token[]): string[] => [
  ...new Set(tokens.flatMap(({ unknown }) => (unknown === undefined ? [] : [wordOf(unknown)]))),
];
