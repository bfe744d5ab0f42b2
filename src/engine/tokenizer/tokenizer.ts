/**
 * Text ↔ token ids, from a checkpoint's tokenizer.json and tokenizer_config.json: the ids of the reference
 * implementation (the Rust library `tokenizers`, as used by transformers), or a refusal. Takes parsed files,
 * so it works with dropped files.
 */
import { shorten } from '../../text/quote';
import { FileError, InputError, LoriError } from '../base/errors';
import { addedTokenSplitter } from './added';
import type { Json } from './added-token';
import { byteLevelBytes, fallbackByte, fallbackToken } from './bytes';
import { type Chat, readChatTemplates } from './chat';
import { checkTokenizerFiles, type TokenizerFiles } from './check';
import type { TokenizerConfig } from './config';
import { decoder } from './decode';
import { normalizer } from './normalize';
import { postProcessor } from './post-process';
import { preTokenizer } from './pretokenize';
import { REBUILDS, specialTokens } from './special-tokens';
import { type Token, unknownIdOf, wordTokens } from './words';

export type { Chat, ChatMessage } from './chat';
export type { Token };

export interface Tokenizer {
  /**
   * Ids of `text`. `addSpecialTokens` (default true): adds what the model expects around a text, such as
   * `<s>`. @throws InputError for a text that is too long, or for which the tokenizer has no tokens
   */
  encode(text: string, options?: { readonly addSpecialTokens?: boolean }): number[];
  /** Like `encode`, with the word that each unknown token stands for. */
  tokens(text: string, options?: { readonly addSpecialTokens?: boolean }): Token[];
  /** The exact text; `skipSpecialTokens` (default true) leaves out `<s>`, `<|im_end|>` and the like. */
  decode(ids: readonly number[], options?: { readonly skipSpecialTokens?: boolean }): string;
  /**
   * What one token adds inside a text, including a leading space: ` the`, `
   * `. A special token gives its name (`<s>`), a part of a character its bytes (`<0xE2>`), an id without a
   * token `<id 512>`.
   */
  tokenText(id: number): string;
  /** Whether a token has the id: a model's vocabulary may be padded beyond those of its tokenizer. */
  has(id: number): boolean;
  /** Whether a token is special: `<s>`, `<|im_end|>` and the like, which are not text. */
  isSpecial(id: number): boolean;
  /** The bytes of a token that is only part of a character, and so not text by itself; else `undefined`. */
  tokenBytes(id: number): readonly number[] | undefined;
  /** One more than the largest id. The model's own vocabulary may be larger (padded), never smaller. */
  readonly vocabSize: number;
  readonly bosTokenId: number | undefined;
  readonly eosTokenId: number | undefined;
  /** The token that stands for what the vocabulary does not have, if there is one. */
  readonly unknownTokenId: number | undefined;
  /** The pad token, else the end token, else 0: padding is masked, so any id of the vocabulary serves. */
  readonly padTokenId: number;
  /** The chat template, if the files have a usable one. */
  readonly chat: Chat | undefined;
  /** Where the files contradict one another and what was taken, and which parts of them are not used. */
  readonly notes: readonly string[];
}

/** Maximum characters of a text; the contexts of models that run here are shorter. */
const MAX_TEXT = 100_000;

/**
 * Parsed tokenizer.json and tokenizer_config.json → a tokenizer. `chatTemplate`: the text of chat_template.jinja, if there
 * is one. Throws `FileError`.
 */
export async function loadTokenizer(
  tokenizerJson: unknown,
  tokenizerConfig: unknown,
  chatTemplate?: string,
): Promise<Tokenizer> {
  const files = checkTokenizerFiles(tokenizerJson, tokenizerConfig);
  const { encode, notes } = guarded(() => encoder(files));
  const decodeTokens = guarded(() => decoder(files.decoder));
  const { tokens: spelled, ids, size: vocabSize, added } = files.vocabulary;
  const special = new Set(added.filter((token) => token.special).map(({ id }) => id));
  const { named } = files.config;
  const templates = readChatTemplates(files.config.chatTemplate, chatTemplate, named);
  const idOf = (name: string): number | undefined => ids.get(named.get(name) ?? '');
  // A token that is matched in its normalized form is also shown in it.
  const normalize = normalizer(files.normalizer);
  const shown = new Map(added.filter((t) => t.normalized).map((t) => [t.id, normalize(t.content)]));
  const spelling = (id: number): string => {
    const token = shown.get(id) ?? spelled.get(id);
    if (token !== undefined) return token;
    throw new InputError(
      `token id ${id} is not in the tokenizer (${vocabSize} ids)`,
      'Use a model and a tokenizer from the same checkpoint.',
    );
  };
  const decode = (some: readonly number[], skipSpecialTokens: boolean): string => {
    const kept = some.map((id) => [id, spelling(id)] as const);
    const left = skipSpecialTokens ? kept.filter(([id]) => !special.has(id)) : kept;
    return left.length === 0 ? '' : guarded(() => decodeTokens(left.map(([, token]) => token)));
  };
  // Decoders strip the first space of a text, so a token is decoded after a letter, which is then cut off.
  const before = encode('a', false).map(({ id }) => id);
  const beforeText = decode(before, false);
  const texts = new Map<number, string | undefined>();
  const textOf = (id: number): string | undefined => {
    if (texts.has(id)) return texts.get(id);
    const whole = decode([...before, id], false);
    const text = whole.startsWith(beforeText) ? whole.slice(beforeText.length) : undefined;
    texts.set(id, text);
    return text;
  };
  const tokenBytes = (id: number): number[] | undefined => {
    const raw = spelled.get(id);
    if (raw === undefined || special.has(id) || raw.includes('\ufffd')) return undefined;
    if (!textOf(id)?.includes('\ufffd')) return undefined;
    const byte = fallbackByte(raw);
    return byte === undefined ? byteLevelBytes(raw) : [byte];
  };
  return {
    encode: (text, { addSpecialTokens = true } = {}) => encode(text, addSpecialTokens).map(({ id }) => id),
    tokens: (text, { addSpecialTokens = true } = {}) => encode(text, addSpecialTokens),
    decode: (some, { skipSpecialTokens = true } = {}) => decode(some, skipSpecialTokens),
    tokenText: (id) => {
      const raw = spelled.get(id);
      if (raw === undefined) return `<id ${id}>`;
      if (special.has(id)) return raw;
      return tokenBytes(id)?.map(fallbackToken).join('') ?? textOf(id) ?? raw;
    },
    has: (id) => spelled.has(id),
    isSpecial: (id) => special.has(id),
    tokenBytes,
    vocabSize,
    bosTokenId: idOf('bos_token'),
    eosTokenId: idOf('eos_token'),
    unknownTokenId: unknownIdOf(files.model, ids),
    padTokenId: idOf('pad_token') ?? idOf('eos_token') ?? 0,
    chat: templates.chat,
    notes: [...files.vocabulary.notes, ...notes, ...templates.notes],
  };
}

type Encode = (text: string, addSpecialTokens: boolean) => Token[];

function encoder(files: TokenizerFiles): { encode: Encode; notes: readonly string[] } {
  const { config, vocabulary, model } = files;
  const spaced = withPrefixSpace(files.preTokenizer, config);
  const { step, notes } = specialTokens(files.postProcessor, config, vocabulary.ids);
  const around = postProcessor(step);
  const stray = around([]).find((id) => !vocabulary.tokens.has(id));
  if (stray !== undefined) throw new Error(`its post-processor adds id ${stray}, which no token has`);
  const split = addedTokenSplitter(vocabulary.added, normalizer(files.normalizer), config.splitSpecial);
  const preTokenize = preTokenizer(spaced.step);
  const words = wordTokens(model);
  const inFront = split('a').flatMap(({ text }, i) => preTokenize({ text, first: i === 0 }))[0]?.text;
  const encode: Encode = (text, addSpecialTokens) => {
    if (text.length > MAX_TEXT)
      throw new InputError(
        `a text of ${text.length} characters, expected at most ${MAX_TEXT}`,
        'Use a shorter text, or several.',
      );
    return guarded(() => {
      // A lone surrogate has no UTF-8 encoding.
      const tokens = split(text.replace(/\p{Surrogate}/gu, '\ufffd')).flatMap(({ text: part, token }, i) =>
        token
          ? [{ id: token.id }]
          : preTokenize({ text: part, first: i === 0 }).flatMap((piece) => words(piece.text)),
      );
      if (!addSpecialTokens) return tokens;
      // Positions instead of ids, so that each token keeps what is known about it.
      const marked = around(tokens.map((_, i) => -1 - i));
      return marked.map((id) => (id < 0 ? (tokens[-1 - id] as Token) : { id }));
    });
  };
  return { encode, notes: [...spaced.notes, ...spaceNote(config, inFront !== 'a'), ...notes] };
}

/** The class of transformers 5 that leaves a tokenizer.json as it is. */
const UNCHANGED = 'TokenizersBackend';

/**
 * The classes of transformers write the configuration's `add_prefix_space`, false if it has none, into a pre-tokenizer
 * that has such a field.
 */
function withPrefixSpace(
  step: Json | null,
  { addPrefixSpace, tokenizerClass }: TokenizerConfig,
): { step: Json | null; notes: readonly string[] } {
  const asked = addPrefixSpace ?? (tokenizerClass === undefined ? undefined : false);
  const isLeft = asked === undefined || tokenizerClass === UNCHANGED;
  if (isLeft || step?.type !== 'ByteLevel' || step.add_prefix_space === asked) return { step, notes: [] };
  const why =
    addPrefixSpace === undefined
      ? 'as transformers has it where tokenizer_config.json asks for none'
      : 'as tokenizer_config.json says';
  return {
    step: { ...step, add_prefix_space: asked },
    notes: [`A text gets ${asked ? 'a' : 'no'} space in front, ${why}, although tokenizer.json differs.`],
  };
}

/** Where LLaMA's own classes would rebuild tokenizer.json, which takes the SentencePiece model. */
function spaceNote({ addPrefixSpace, tokenizerClass = '' }: TokenizerConfig, isSpaced: boolean): string[] {
  if (!REBUILDS.test(tokenizerClass) || addPrefixSpace === undefined || addPrefixSpace === isSpaced)
    return [];
  return [
    `tokenizer_config.json sets add_prefix_space to ${addPrefixSpace}, but tokenizer.json puts ${isSpaced ? 'a' : 'no'} space in front of a text, and is followed; ${tokenizerClass} of transformers may follow the other.`,
  ];
}

/** Turns errors from an unusable file into `FileError`. */
function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof LoriError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FileError(
      `tokenizer.json cannot be used: ${shorten(why, 200)}`,
      'Get the tokenizer.json and tokenizer_config.json of the checkpoint again.',
      { cause },
    );
  }
}
