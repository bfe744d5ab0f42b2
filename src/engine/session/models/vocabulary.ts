import { ConfigError, InputError } from '../../base/errors';
import type { DecoderConfig } from '../../nn/config';
import type { Tokenizer } from '../../tokenizer/tokenizer';

/** Maximum number of tokens (a pad token, chat roles) that fine-tuning added without embedding rows. */
const MAX_WITHOUT_ROW = 64;

/**
 * The tokenizer, for a model whose embedding has rows for `vocabSize` ids. If the tokenizer has a few more
 * tokens, a text that uses one of them is refused with `InputError`; `notes`, after the tokenizer's own, say
 * so.
 * @throws ConfigError if it has many more: then it belongs to another model
 */
export function withinVocabulary(
  tokenizer: Tokenizer,
  { vocabSize }: Pick<DecoderConfig, 'vocabSize'>,
): { readonly tokenizer: Tokenizer; readonly notes: readonly string[] } {
  const more = tokenizer.vocabSize - vocabSize;
  if (more <= 0) return { tokenizer, notes: tokenizer.notes };
  if (more > MAX_WITHOUT_ROW)
    throw new ConfigError(
      `the tokenizer has ${tokenizer.vocabSize} tokens, the model ${vocabSize}`,
      'Use a model and a tokenizer from the same checkpoint.',
    );
  const refuse = (ids: readonly number[]): void => {
    const bad = ids.find((id) => id >= vocabSize);
    if (bad !== undefined)
      throw new InputError(
        `the model has no row for the token ${tokenizer.tokenText(bad)} (id ${bad}, of ${vocabSize})`,
        'Use a text without this token.',
      );
  };
  const known = (id: number | undefined) => (id !== undefined && id < vocabSize ? id : undefined);
  return {
    tokenizer: {
      ...tokenizer,
      encode(text, options) {
        const ids = tokenizer.encode(text, options);
        refuse(ids);
        return ids;
      },
      tokens(text, options) {
        const tokens = tokenizer.tokens(text, options);
        refuse(tokens.map(({ id }) => id));
        return tokens;
      },
      bosTokenId: known(tokenizer.bosTokenId),
      eosTokenId: known(tokenizer.eosTokenId),
      // Padding is masked, so any id that the model has will do.
      padTokenId: known(tokenizer.padTokenId) ?? known(tokenizer.eosTokenId) ?? 0,
    },
    notes: [
      ...tokenizer.notes,
      `The tokenizer has ${more} ${more === 1 ? 'token' : 'tokens'} for which the model has no row (${tokenizer.tokenText(vocabSize)}…): texts that use ${more === 1 ? 'it' : 'them'} are refused.`,
    ],
  };
}
