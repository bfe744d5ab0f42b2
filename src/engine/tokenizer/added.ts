/** Added tokens in a text: found before the pre-tokenizer sees it, according to each token's flags. */
import type { AddedToken } from './added-token';
import type { Normalize } from './normalize';

/** A part of a text: an added token, or the text between two. */
export interface Section {
  readonly text: string;
  readonly token?: AddedToken;
}

const WORD_BEFORE = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u;
const WORD_AFTER = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
const SPACE = /\p{White_Space}/u; // all of them are single code units

interface Node {
  readonly next: Map<string, Node>;
  token?: AddedToken;
}

/** Finds tokens in a text: the leftmost first, and of those the longest. */
class Finder {
  private readonly root: Node = { next: new Map() };

  add(content: string, token: AddedToken): void {
    let node = this.root;
    for (let i = 0; i < content.length; i++) {
      const unit = content[i] as string;
      let child = node.next.get(unit);
      if (child === undefined) {
        child = { next: new Map() };
        node.next.set(unit, child);
      }
      node = child;
    }
    node.token ??= token;
  }

  /** The longest token that begins at `at`, and where it ends. */
  private longest(text: string, at: number): { token: AddedToken; to: number } | undefined {
    let found: { token: AddedToken; to: number } | undefined;
    let node: Node | undefined = this.root;
    for (let i = at; i < text.length; i++) {
      node = node.next.get(text[i] as string);
      if (node === undefined) break;
      if (node.token !== undefined) found = { token: node.token, to: i + 1 };
    }
    return found;
  }

  split(text: string): Section[] {
    const sections: Section[] = [];
    let done = 0;
    for (let at = 0; at < text.length; ) {
      const found = this.longest(text, at);
      if (found === undefined) {
        at++;
        continue;
      }
      const { token, to } = found;
      if (token.singleWord && touchesWord(text, at, to)) {
        at = to;
        continue;
      }
      let from = at;
      if (token.lstrip) while (from > done && SPACE.test(text[from - 1] as string)) from--;
      at = to;
      if (token.rstrip) while (at < text.length && SPACE.test(text[at] as string)) at++;
      if (from > done) sections.push({ text: text.slice(done, from) });
      sections.push({ text: token.content, token });
      done = at;
    }
    if (done < text.length) sections.push({ text: text.slice(done) });
    return sections;
  }
}

// Two code units can hold any character.
const touchesWord = (text: string, from: number, to: number): boolean =>
  WORD_BEFORE.test(text.slice(Math.max(0, from - 2), from)) || WORD_AFTER.test(text.slice(to, to + 2));

/**
 * Splits texts at `tokens`, and normalizes what is between them. `splitSpecial`: special tokens written out
 * in a text count as text.
 */
export function addedTokenSplitter(
  tokens: readonly AddedToken[],
  normalize: Normalize,
  splitSpecial: boolean,
): (text: string) => Section[] {
  const asWritten = new Finder();
  const normalized = new Finder();
  for (const token of tokens) {
    if (splitSpecial && token.special) continue;
    const content = token.normalized ? normalize(token.content) : token.content;
    if (content !== '') (token.normalized ? normalized : asWritten).add(content, token);
  }
  return (text) =>
    asWritten
      .split(text)
      .flatMap((section) => (section.token ? [section] : normalized.split(normalize(section.text))));
}
