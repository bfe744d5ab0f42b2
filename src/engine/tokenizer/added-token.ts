/** An added token as given in a tokenizer's files. */
import { quote } from '../../text/quote';
import { FileError } from '../base/errors';

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Never shown by `decode` with `skipSpecialTokens`. */
  readonly special: boolean;
  /** Looked for in the normalized text, in its normalized form. */
  readonly normalized: boolean;
  /** Includes the white space before, or after, it. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** Matches only if no letter, digit or mark is next to it. */
  readonly singleWord: boolean;
}

export type Json = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const AGAIN = 'Get the tokenizer.json and tokenizer_config.json of the checkpoint again.';
/** Maximum number of added tokens that a file may list. */
export const MAX_ADDED = 2 ** 17;

/** An entry of `added_tokens` or `added_tokens_decoder`. `id` stays as it is. @throws FileError */
export function addedToken(entry: unknown, place: string): AddedToken {
  if (!isObject(entry) || typeof entry.content !== 'string' || entry.content === '')
    throw new FileError(`${place} has no "content"`, AGAIN);
  const flag = (name: string, otherwise: boolean): boolean => {
    const value = entry[name] ?? otherwise;
    if (typeof value === 'boolean') return value;
    throw new FileError(
      `${place}, ${quote(entry.content)}: ${name} is ${quote(value)}, expected true or false`,
      AGAIN,
    );
  };
  const special = flag('special', false);
  return {
    id: entry.id as number,
    content: entry.content,
    special,
    normalized: flag('normalized', !special),
    lstrip: flag('lstrip', false),
    rstrip: flag('rstrip', false),
    singleWord: flag('single_word', false),
  };
}
