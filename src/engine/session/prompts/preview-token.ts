import type { PreviewToken } from '../../../contract/tokens';
import type { Token, Tokenizer } from '../../tokenizer/tokenizer';
import { wordOf } from './prompt';

/** A token as it is shown. */
export function previewToken(tokenizer: Tokenizer, { id, unknown }: Token): PreviewToken {
  const bytes = tokenizer.tokenBytes(id);
  return {
    id,
    text: tokenizer.tokenText(id),
    special: tokenizer.isSpecial(id),
    ...(unknown !== undefined && { unknown: unknown === '' ? '' : wordOf(unknown) }),
    ...(bytes !== undefined && { bytes }),
  };
}

/**
 * Ids as they are shown, unknown ones marked; each with its word where the unknown tokens of `text` are as many, else with none.
 * @param text what the ids were made from
 */
export function previewIds(tokenizer: Tokenizer, ids: readonly number[], text: string): PreviewToken[] {
  const unknown = tokenizer.unknownTokenId;
  const count = ids.filter((id) => id === unknown).length;
  const words =
    count === 0
      ? []
      : tokenizer.tokens(text, { addSpecialTokens: false }).flatMap(({ unknown: word }) => word ?? []);
  let at = 0;
  return ids.map((id) =>
    previewToken(tokenizer, {
      id,
      ...(id === unknown && { unknown: words.length === count ? (words[at++] as string) : '' }),
    }),
  );
}
