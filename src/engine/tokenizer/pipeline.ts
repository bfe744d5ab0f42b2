/**
 * Bounds on the pieces of a tokenizer's pipeline. Unchecked, a length of 0 is an endless loop, a prefix of
 * 200,000 letters is prepended to each text, and a field of another type surfaces later as a TypeError. What
 * the reference implementation requires is required here too: a default would be a guess.
 */

import { quote } from '../../text/quote';
import { FileError } from '../base/errors';
import { isObject, type Json } from './added-token';
import { whyUnsafe } from './regex';

const MAX_DEPTH = 8;
const MAX_PIECES = 32;
const MAX_TEXT = 64;
const MAX_TEMPLATE = 64;
/** By how much all pieces together may lengthen a text. */
const MAX_GROWTH = 256;

const HINT =
  'Use the tokenizer.json that comes with the checkpoint; if this is it, this tokenizer is not supported.';

/** Returns what was expected if `value` is something else. */
type Check = (value: unknown) => string | null;

const optional =
  (check: Check): Check =>
  (value) =>
    (value ?? null) === null ? null : check(value);
const text =
  (min: number, max = MAX_TEXT): Check =>
  (value) =>
    typeof value === 'string' && value.length >= min && value.length <= max
      ? null
      : `a text of ${min} to ${max} characters`;
const count =
  (min: number, max: number): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? null
      : `a whole number from ${min} to ${max}`;
const oneOf =
  (...names: string[]): Check =>
  (value) =>
    names.includes(value as string) ? null : `one of ${names.join(', ')}`;
const bool: Check = (value) => (typeof value === 'boolean' ? null : 'true or false');

const pattern: Check = (value) => {
  if (!isObject(value)) return 'an object with "String" or "Regex"';
  const { Regex, String: literal } = value;
  if (Regex === undefined) return text(1)(literal) && `"String" to be ${text(1)(literal)}`;
  if (typeof Regex !== 'string') return '"Regex" to be a text';
  const why = whyUnsafe(Regex);
  return why && `a pattern that terminates quickly: this one ${why}`;
};

const template: Check = (value) => {
  const expected = `a list of 1 to ${MAX_TEMPLATE} entries, each a "SpecialToken" with an id or a "Sequence" with id "A" or "B", and "A" once`;
  if (!Array.isArray(value) || value.length > MAX_TEMPLATE) return expected;
  const ids = value.map((item: unknown) => {
    if (!isObject(item)) return null;
    const inner = item.SpecialToken ?? item.Sequence;
    if (!isObject(inner) || text(1, 256)(inner.id) !== null) return null;
    return item.SpecialToken === undefined ? `sequence ${String(inner.id)}` : 'token';
  });
  const known = ids.every((id) => id === 'token' || id === 'sequence A' || id === 'sequence B');
  return known && ids.filter((id) => id === 'sequence A').length === 1 ? null : expected;
};

/** `{"<s>": {"ids": [1]}}` */
const specialIds: Check = (value) =>
  isObject(value) &&
  Object.keys(value).length <= MAX_TEMPLATE &&
  Object.values(value).every(
    (token) =>
      isObject(token) &&
      Array.isArray(token.ids) &&
      token.ids.length <= MAX_TEMPLATE &&
      token.ids.every((id) => Number.isInteger(id) && (id as number) >= 0),
  )
    ? null
    : `an object of at most ${MAX_TEMPLATE} tokens, each with its "ids"`;

/** `["</s>", 2]` */
const tokenAndId: Check = (value) =>
  Array.isArray(value) && value.length === 2 && text(1, 256)(value[0]) === null && Number.isInteger(value[1])
    ? null
    : 'a token and its id';

const behaviour = oneOf('Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous');
const character: Check = (value) =>
  typeof value === 'string' && Array.from(value).length === 1 ? null : 'a single character';
const metaspace = {
  replacement: character,
  prepend_scheme: optional(oneOf('always', 'first', 'never')),
  split: optional(bool),
  add_prefix_space: optional(bool),
};
const byteLevel = {
  add_prefix_space: optional(bool),
  trim_offsets: optional(bool),
  use_regex: optional(bool),
};
const bert = { sep: tokenAndId, cls: tokenAndId };
const replace = { pattern, content: text(0) };

type Pieces = Readonly<Record<string, Readonly<Record<string, Check>>>>;

/** Each kind of piece: the field with a Sequence's parts, and the fields of each type that are used. */
const KINDS: Readonly<Record<string, { readonly parts: string; readonly types: Pieces }>> = {
  normalizer: {
    parts: 'normalizers',
    types: {
      Replace: replace,
      NFC: {},
      NFD: {},
      NFKC: {},
      NFKD: {},
      Strip: { strip_left: bool, strip_right: bool },
      StripAccents: {},
      Lowercase: {},
      Prepend: { prepend: text(0) },
    },
  },
  pre_tokenizer: {
    parts: 'pretokenizers',
    types: {
      Whitespace: {},
      WhitespaceSplit: {},
      Metaspace: metaspace,
      ByteLevel: { ...byteLevel, add_prefix_space: bool },
      Split: { pattern, behavior: behaviour, invert: bool },
      Punctuation: { behavior: optional(behaviour) },
      Digits: { individual_digits: bool },
      FixedLength: { length: count(1, 65536) },
    },
  },
  post_processor: {
    parts: 'processors',
    types: {
      TemplateProcessing: { single: template, special_tokens: specialIds },
      ByteLevel: byteLevel,
      BertProcessing: bert,
      RobertaProcessing: bert,
    },
  },
  decoder: {
    parts: 'decoders',
    types: {
      ByteLevel: byteLevel,
      Metaspace: metaspace,
      BPEDecoder: { suffix: optional(text(0)) },
      Replace: replace,
      Fuse: {},
      Strip: { content: character, start: count(0, 64), stop: count(0, 64) },
      ByteFallback: {},
    },
  },
};

function fail(place: string, what: string): never {
  throw new FileError(`tokenizer.json: ${place} ${what}`, HINT);
}

/**
 * Refuses a pipeline with pieces that are unknown, out of bounds, or might not terminate. Throws `FileError`.
 */
export function checkPipeline(tokenizer: Json): void {
  let pieces = 0;
  let growth = 1;
  const visit = (piece: unknown, name: string, place: string, depth: number): void => {
    if (!isObject(piece)) fail(place, `is ${quote(piece)}, expected an object with a "type"`);
    if (depth > MAX_DEPTH || ++pieces > MAX_PIECES)
      fail(
        place,
        `: the pipeline has more than ${MAX_PIECES} pieces, or nests them more than ${MAX_DEPTH} deep`,
      );
    const { parts, types } = KINDS[name] as (typeof KINDS)[string];
    const { type } = piece;
    if (type === 'Sequence') {
      const list = piece[parts];
      if (!Array.isArray(list))
        fail(place, `is a Sequence whose "${parts}" is ${quote(list)}, expected a list`);
      for (const [i, part] of list.entries()) visit(part, name, `${place}.${parts}[${i}]`, depth + 1);
      return;
    }
    if (typeof type !== 'string' || !Object.hasOwn(types, type))
      fail(place, `has type ${quote(type)}; supported: Sequence, ${Object.keys(types).join(', ')}`);
    for (const [field, check] of Object.entries(types[type] as Pieces[string])) {
      const expected = check(Object.hasOwn(piece, field) ? piece[field] : undefined);
      if (expected !== null)
        fail(place, `(${type}): ${field} is ${quote(piece[field])}, expected ${expected}`);
    }
    const disagree = contradiction(piece);
    if (disagree !== null) fail(place, `(${type}): ${disagree}`);
    growth *= growthOf(piece);
    if (growth > MAX_GROWTH)
      fail(place, `makes a text more than ${MAX_GROWTH} times longer, with the pieces before it`);
  };
  for (const name of Object.keys(KINDS)) {
    const piece = tokenizer[name] ?? null;
    if (piece !== null) visit(piece, name, name, 0);
  }
}

/** Describes how two fields of a piece contradict each other. */
function contradiction(piece: Json): string | null {
  if (piece.type === 'TemplateProcessing') {
    const known = piece.special_tokens as Json;
    const unknown = (piece.single as Json[])
      .map(({ SpecialToken }) => (isObject(SpecialToken) ? (SpecialToken.id as string) : null))
      .find((id) => id !== null && !Object.hasOwn(known, id));
    return unknown === undefined ? null : `"special_tokens" has no entry for ${quote(unknown)}`;
  }
  const scheme = piece.prepend_scheme ?? 'always';
  return piece.type === 'Metaspace' && piece.add_prefix_space === false && scheme !== 'never'
    ? `add_prefix_space is false, but prepend_scheme is ${quote(scheme)}`
    : null;
}

/** By which factor a piece can lengthen a text. */
function growthOf(piece: Json): number {
  if (piece.type !== 'Replace') return 1;
  const length = String(piece.content ?? '').length;
  const found = (piece.pattern as Json).String;
  // A regular expression may match the empty string, between any two characters.
  return typeof found === 'string' ? Math.max(1, length / found.length) : 1 + length;
}
