import { InputError } from '../../base/errors';
import type { Token, Tokenizer } from '../../tokenizer/tokenizer';

export interface Prompt {
  /** The text that the model reads. */
  readonly text: string;
  readonly tokens: readonly Token[];
}

/**
 * A typed text as it is fed: plain, with the special tokens that the tokenizer adds, or in a chat template as
 * a user's message, up to where the answer begins; the template has its own special tokens.
 * @throws InputError for a template that the model lacks or that refuses the message, and for a text without
 * tokens
 */
export function promptOf(tokenizer: Tokenizer, typed: string, template?: string): Prompt {
  if (template === undefined) return { text: typed, tokens: tokenizer.tokens(typed) };
  if (tokenizer.chat === undefined)
    throw new InputError('the model has no chat template', 'Use the plain text.');
  const text = tokenizer.chat.render([{ role: 'user', content: typed }], { name: template });
  return { text, tokens: tokenizer.tokens(text, { addSpecialTokens: false }) };
}

/** A word as written, without its tokenizer's marker. */
export const wordOf = (piece: string): string => piece.replaceAll('▁', ' ').trim() || 'a space';

/** The words that the unknown tokens of a text stand for, each once. */
export const unknownWords = (tokens: readonly Token[]): string[] => [
  ...new Set(tokens.flatMap(({ unknown }) => (unknown === undefined ? [] : [wordOf(unknown)]))),
];
