/** The parts of a tokenizer_config.json that change the ids of a text. */
import { quote } from '../../text/quote';
import { FileError } from '../base/errors';
import { type AddedToken, addedToken, isObject, type Json, MAX_ADDED } from './added-token';

export interface ConfigTokens {
  /** Tokens of `added_tokens_decoder`, by id: their flags replace those of tokenizer.json. */
  readonly added: readonly AddedToken[];
  /** Special tokens by name and the additional ones, which a tokenizer has even if no list of tokens includes them. */
  readonly special: readonly AddedToken[];
  /** Those of the tokenizer's class, by name: it has them where its vocabulary does. */
  readonly usual: ReadonlyMap<string, AddedToken>;
}

export interface TokenizerConfig extends ConfigTokens {
  /** `bos_token` and the like, as far as given or usual. */
  readonly named: ReadonlyMap<string, string>;
  readonly tokenizerClass: string | undefined;
  readonly addBos: boolean | undefined;
  readonly addEos: boolean | undefined;
  readonly addPrefixSpace: boolean | undefined;
  readonly splitSpecial: boolean;
  /** `chat_template`, unchecked. */
  readonly chatTemplate: unknown;
}

const AGAIN = 'Get the tokenizer_config.json of the checkpoint again.';
/** The special tokens of transformers' classes, for names that the file leaves out; null takes a token away. */
const USUAL: readonly (readonly [RegExp, Readonly<Record<string, string>>])[] = [
  [/^(Code)?LlamaTokenizer(Fast)?$/, { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' }],
  [
    /^GPT2Tokenizer(Fast)?$/,
    { bos_token: '<|endoftext|>', eos_token: '<|endoftext|>', unk_token: '<|endoftext|>' },
  ],
  [
    /^Qwen2Tokenizer(Fast)?$/,
    { eos_token: '<|endoftext|>', unk_token: '<|endoftext|>', pad_token: '<|endoftext|>' },
  ],
];
const NAMED = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];

/** @throws FileError */
export function readTokenizerConfig(config: unknown): TokenizerConfig {
  if (!isObject(config)) throw new FileError('tokenizer_config.json is not a JSON object', AGAIN);
  const named = new Map<string, string>();
  const special = new Map<string, AddedToken>();
  for (const name of NAMED) {
    const token = specialToken(config[name] ?? null, name);
    if (token === null) continue;
    named.set(name, token.content);
    if (!special.has(token.content)) special.set(token.content, token);
  }
  for (const token of additional(config)) if (!special.has(token.content)) special.set(token.content, token);
  const flag = (name: string): boolean | undefined => {
    const value = config[name] ?? undefined;
    if (value === undefined || typeof value === 'boolean') return value;
    throw new FileError(
      `tokenizer_config.json: ${name} is ${quote(value)}, expected true, false or null`,
      AGAIN,
    );
  };
  const { tokenizer_class: tokenizerClass, chat_template: chatTemplate } = config;
  return {
    added: addedTokens(config.added_tokens_decoder ?? {}),
    special: [...special.values()],
    usual: usualTokens(config),
    named,
    tokenizerClass: typeof tokenizerClass === 'string' ? tokenizerClass : undefined,
    addBos: flag('add_bos_token'),
    addEos: flag('add_eos_token'),
    addPrefixSpace: flag('add_prefix_space'),
    splitSpecial: flag('split_special_tokens') ?? false,
    chatTemplate: chatTemplate ?? undefined,
  };
}

function usualTokens(config: Json): ReadonlyMap<string, AddedToken> {
  const [, tokens = {}] = USUAL.find(([name]) => name.test(String(config.tokenizer_class))) ?? [];
  return new Map(
    Object.entries(tokens)
      .filter(([name]) => config[name] === undefined)
      .map(([name, content]) => [name, specialToken(content, name) as AddedToken]),
  );
}

/** Older configs write a special token as `{"__type": "AddedToken", "content": …}`, newer ones as a string. */
function specialToken(value: unknown, name: string): AddedToken | null {
  if (value === null || value === '') return null;
  if (typeof value === 'string')
    return { ...addedToken({ content: value, special: true }, name), special: true };
  if (isObject(value) && typeof value.content === 'string' && value.content !== '')
    return { ...addedToken({ ...value, id: undefined }, `tokenizer_config.json: ${name}`), special: true };
  throw new FileError(`tokenizer_config.json: ${name} is ${quote(value)}, expected a text or null`, AGAIN);
}

/** `additional_special_tokens`, or `extra_special_tokens` as a list or by name. */
function additional(config: Json): AddedToken[] {
  return ['additional_special_tokens', 'extra_special_tokens'].flatMap((name) => {
    const value = config[name] ?? [];
    const list = isObject(value) ? Object.values(value) : value;
    if (!Array.isArray(list) || list.length > MAX_ADDED)
      throw new FileError(
        `tokenizer_config.json: ${name} is ${quote(value)}, expected a list of at most ${MAX_ADDED} tokens`,
        AGAIN,
      );
    return list.map((item: unknown) => specialToken(item, name)).filter((token) => token !== null);
  });
}

function addedTokens(decoder: unknown): AddedToken[] {
  const place = 'tokenizer_config.json: an entry of "added_tokens_decoder"';
  if (!isObject(decoder) || Object.keys(decoder).length > MAX_ADDED)
    throw new FileError(
      `tokenizer_config.json: "added_tokens_decoder" is ${quote(decoder)}, expected an object of at most ${MAX_ADDED} tokens`,
      AGAIN,
    );
  return Object.entries(decoder)
    .map(([id, entry]) => ({ ...addedToken(entry, place), id: Number(id) }))
    .sort((a, b) => a.id - b.id);
}
