import type { TextPreview, TokenPreviewRequest } from '../../../contract/tokens';
import { listed } from '../../../text/quote';
import { type TokenReading, useTokenPreview } from '../../store/use-token-preview';
import { Notice } from '../../ui/ErrorNotice';
import { TokenList } from '../../ui/TokenList';

/**
 * The exact tokens of typed texts, and what of them the model does not know. Nothing while the model is not loaded, or
 * without a request.
 */
export function TokenPreview({ request }: { readonly request: TokenPreviewRequest | null }) {
  return <PreviewedTokens read={useTokenPreview(request)} />;
}

/** The same of tokens that were read elsewhere. */
export function PreviewedTokens({ read }: { readonly read: TokenReading | null }) {
  if (read === null) return null;
  const { preview, error } = read.outcome;
  if (preview === null)
    return (
      <Notice kind="warning">
        The tokens cannot be shown: {error.message}. {error.hint}
      </Notice>
    );
  const { texts, positions } = preview;
  const unknown = [...new Set(texts.flatMap((text) => text.unknown))];
  return (
    <div className="token-preview" aria-busy={read.isStale}>
      {unknown.length > 0 && <Notice kind="warning">{unknownSentence(unknown)}</Notice>}
      {texts.map((text, i) => {
        const name = texts.length > 1 ? `Text ${i + 1}: ` : '';
        // biome-ignore lint/suspicious/noArrayIndexKey: a text is its line
        return <TextTokens key={i} text={text} name={name} positions={positions} />;
      })}
    </div>
  );
}

/** Which words are unknown, and what that means for an answer. */
export const unknownSentence = (words: readonly string[]): string =>
  `The model does not know ${listed(words.map((word) => `“${word}”`))}: ${words.length === 1 ? 'it' : 'each'} is read as the unknown token, as any other unknown word would be.`;

function TextTokens({
  text,
  name,
  positions,
}: {
  readonly text: TextPreview;
  readonly name: string;
  readonly positions: number | null;
}) {
  const { tokens, count, refused } = text;
  const room = positions === null ? '' : ` of ${positions} positions`;
  return (
    <div>
      {refused !== null && (
        <p className="field-error">
          {name}
          {refused.message}. {refused.hint}
        </p>
      )}
      {count > 0 && (
        <details>
          <summary>
            {name}
            {count === 1 ? '1 token' : `${count} tokens`}
            {room}
          </summary>
          <TokenList tokens={tokens} count={count} label={`${name}${count} tokens`} />
        </details>
      )}
    </div>
  );
}
