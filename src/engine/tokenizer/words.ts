/** Converts words to the ids of BPE. */
import { quote } from '../../text/quote';
import { InputError } from '../base/errors';
import { fallbackToken, utf8Bytes } from './bytes';
import { loadMerges } from './library';

export interface Token {
  readonly id: number;
  /** For the unknown token: the word that it, or a part of it, stands for. */
  readonly unknown?: string;
}

/** `model` of a checked tokenizer.json. The result throws `InputError` for text without any token. */
export function wordTokens(model: Readonly<Record<string, unknown>>): (word: string) => Token[] {
  const merges = loadMerges(model);
  const ids = merges.tokens_to_ids;
  const unknownId = unknownIdOf(model, ids);
  const fuse = model.fuse_unk === true;
  const bytesOf = model.byte_fallback === true ? byteIds(ids) : () => undefined;
  return (word) => {
    const whole = model.ignore_merges === true ? ids.get(word) : undefined;
    if (whole !== undefined) return [{ id: whole }];
    const tokens: Token[] = [];
    let at = 0;
    for (const part of merges.bpe(word)) {
      const id = ids.get(part);
      const fallback = id === undefined ? bytesOf(part) : undefined;
      if (id !== undefined) tokens.push({ id });
      else if (fallback !== undefined) tokens.push(...fallback);
      else if (unknownId === undefined) throw noToken(part, word);
      else if (!(fuse && tokens.at(-1)?.unknown !== undefined))
        tokens.push({ id: unknownId, unknown: wordAround(word, at) });
      at += part.length;
    }
    return tokens;
  };
}

/** The id of `model`'s unknown token, if it has one. */
export const unknownIdOf = (
  model: Readonly<Record<string, unknown>>,
  ids: ReadonlyMap<string, number>,
): number | undefined => (typeof model.unk_token === 'string' ? ids.get(model.unk_token) : undefined);

/** The ids of a text's bytes, if the vocabulary has all of them. */
function byteIds(ids: ReadonlyMap<string, number>): (text: string) => Token[] | undefined {
  const table = Array.from({ length: 256 }, (_, byte) => ids.get(fallbackToken(byte)));
  return (text) => {
    const tokens: Token[] = [];
    for (const byte of utf8Bytes(text)) {
      const id = table[byte];
      if (id === undefined) return undefined;
      tokens.push({ id });
    }
    return tokens;
  };
}

const BETWEEN = /[\p{White_Space}▁]/u;

/** The word of `text` at position `at`; `text` may contain several words. */
function wordAround(text: string, at: number): string {
  let from = at;
  while (from > 0 && !BETWEEN.test(text[from - 1] as string)) from--;
  let to = at;
  if (BETWEEN.test(text[to] ?? '') && from === to) {
    // Skips a mark in front of an unknown word if the two are one piece.
    while (to < text.length && BETWEEN.test(text[to] as string)) to++;
    from = to;
  }
  while (to < text.length && !BETWEEN.test(text[to] as string)) to++;
  return from < to ? text.slice(from, to) : text;
}

const noToken = (part: string, word: string): InputError =>
  new InputError(
    `the tokenizer has no token for ${quote(part)} in ${quote(word)}, nor an unknown token`,
    'Use another text, or another checkpoint.',
  );
