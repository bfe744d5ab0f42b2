import { type DataRow, rowText } from '../../../contract/data';
import type { Tokenizer } from '../../tokenizer/tokenizer';

/** The tokens of a row as it is fed. */
export interface RowTokens {
  /** With what the model expects in front of a text, such as `<s>`. */
  readonly question: readonly number[];
  readonly rationale: readonly number[];
  /** Answer prompt and answer. */
  readonly answer: readonly number[];
}

/**
 * A row's parts, tokenized separately and joined, so that it is known which token is of which part. A tokenizer that has no
 * token for a line end, such as one of words, is given none at the ends of the parts.
 */
export function tokensOfRow(
  tokenizer: Tokenizer,
  row: Pick<DataRow, 'question' | 'rationale' | 'answer'>,
): RowTokens {
  const { question, rationale, answer } = rowText(row);
  return {
    question: begun(tokenizer, ended(tokenizer, question)),
    rationale: plain(tokenizer, ended(tokenizer, rationale)),
    answer: plain(tokenizer, answer),
  };
}

/** The tokens of a text inside a row. */
export const plain = (tokenizer: Tokenizer, text: string): number[] =>
  text === '' ? [] : tokenizer.encode(text, { addSpecialTokens: false });

/** The text with its line end, if the tokenizer has a token for that. */
export const ended = (tokenizer: Tokenizer, text: string): string =>
  hasLineEnd(tokenizer) ? text : text.trimEnd();

const lineEnds = new WeakMap<Tokenizer, boolean>();

function hasLineEnd(tokenizer: Tokenizer): boolean {
  const known = lineEnds.get(tokenizer);
  if (known !== undefined) return known;
  const has = tokenizer.decode(tokenizer.encode('a\n', { addSpecialTokens: false })).includes('\n');
  lineEnds.set(tokenizer, has);
  return has;
}

/** The tokens of a text that begins a row. What stands in front of a text is kept; what would end it is not, since the row goes on. */
export function begun(tokenizer: Tokenizer, text: string): number[] {
  const whole = tokenizer.encode(text);
  const plain = tokenizer.encode(text, { addSpecialTokens: false });
  for (let end = whole.length; end > plain.length; end--)
    if (plain.every((id, i) => whole[end - plain.length + i] === id)) return whole.slice(0, end);
  return whole;
}
