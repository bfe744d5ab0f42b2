import './token-list.css';
import { Scroller } from './Scroller';

export interface ShownToken {
  readonly id: number;
  readonly text: string;
  readonly special: boolean;
  /** The word that the unknown token stands for; empty where it is not known. */
  readonly unknown?: string;
  readonly bytes?: readonly number[];
}

/** Tokens one by one, each with its id. What kind one is, is said by a sign, its border and words, never by colour alone. */
export function TokenList({
  tokens,
  count,
  label,
}: {
  readonly tokens: readonly ShownToken[];
  /** Of all tokens, where only the first are given. */
  readonly count: number;
  readonly label: string;
}) {
  return (
    <div className="token-list">
      <TokenItems tokens={tokens} count={count} label={label} />
      <TokenSigns tokens={tokens} />
    </div>
  );
}

/** The list alone, where several of them share what is said of the signs. */
export function TokenItems({ tokens, count, label }: Parameters<typeof TokenList>[0]) {
  return (
    <div className="token-list">
      <Scroller label={label} className="token-scroller">
        <ol>
          {tokens.map((token, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a token is its place
            <Token key={i} token={token} />
          ))}
        </ol>
      </Scroller>
      {count > tokens.length && (
        <p className="help">
          The first {tokens.length} of {count} tokens.
        </p>
      )}
    </div>
  );
}

/** What the signs among some tokens mean. */
export function TokenSigns({ tokens }: { readonly tokens: readonly ShownToken[] }) {
  const kinds = new Set(tokens.map(kindOf));
  return (
    <p className="help">{['Spaces are shown as ·.', ...[...kinds].map((kind) => MEANING[kind])].join(' ')}</p>
  );
}

type Kind = 'plain' | 'special' | 'unknown' | 'bytes';

const kindOf = (token: ShownToken): Kind =>
  token.unknown !== undefined ? 'unknown' : token.special ? 'special' : token.bytes ? 'bytes' : 'plain';

const SIGN: Readonly<Record<Kind, string>> = { plain: '', special: '◆', unknown: '?', bytes: '…' };
const MEANING: Readonly<Record<Kind, string>> = {
  plain: '',
  special: '◆ special token.',
  unknown: '? word that the model does not know.',
  bytes: '… part of a character, as its bytes.',
};
const SPOKEN: Readonly<Record<Kind, string>> = {
  plain: '',
  special: ', special token',
  unknown: ', unknown word',
  bytes: ', part of a character',
};

function Token({ token }: { readonly token: ShownToken }) {
  const kind = kindOf(token);
  return (
    <li className={`token token-${kind}`}>
      <span className="token-text">
        {kind !== 'plain' && <span aria-hidden="true">{SIGN[kind]} </span>}
        {visible(token.text)}
        {token.unknown && <del>{token.unknown}</del>}
      </span>
      <span className="token-id">
        <span className="visually-hidden">id </span>
        {token.id}
        <span className="visually-hidden">{SPOKEN[kind]}</span>
      </span>
    </li>
  );
}

/** White space and control characters as signs. */
const visible = (text: string): string =>
  text
    .replaceAll(' ', '·')
    .replaceAll('\n', '↵')
    .replaceAll('\r', '␍')
    .replaceAll('\t', '⇥')
    .replace(
      /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Zs}]/gu,
      (char) => `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`,
    );
