/**
 * Text ↔ token ids, from a checkpoint's tokenizer.json and tokenizer_config.json, through transformers.js. Takes
 * parsed files, so it works from dropped bytes. Chat templates are left out: LoRi's prompts are plain text.
 */
import { quote, shorten } from '../../text/quote';
import { FileError, InputError, LoriError } from '../base/errors';
import { checkTokenizerFiles } from './check';
import { loadTransformers } from './transformers';

export interface Tokenizer {
  /**
   * Ids of `text`. `addSpecialTokens` (default true): what the model expects around a text, such as `<s>`. Throws
   * `InputError` for a text that is too long, or for which the tokenizer has no tokens.
   */
  encode(text: string, options?: { readonly addSpecialTokens?: boolean }): number[];
  /** The exact text; `skipSpecialTokens` (default true) leaves out `<s>`, `<|im_end|>` and the like. */
  decode(ids: readonly number[], options?: { readonly skipSpecialTokens?: boolean }): string;
  /**
   * What one token adds inside a text, leading space kept: ` the`, `\n`. A special token gives its name (`<s>`), a
   * part of a character its bytes (`<0xE2>`), an id that no token has `<id 512>`.
   */
  tokenText(id: number): string;
  /** One more than the largest id. The model's own vocabulary may be larger (padded), never smaller. */
  readonly vocabSize: number;
  readonly bosTokenId: number | undefined;
  readonly eosTokenId: number | undefined;
  /** The pad token, else the end token, else 0: padding is masked, so any id of the vocabulary serves. */
  readonly padTokenId: number;
}

/** Parsed tokenizer.json and tokenizer_config.json → a tokenizer. Throws `FileError`. */
export async function loadTokenizer(tokenizerJson: unknown, tokenizerConfig: unknown): Promise<Tokenizer> {
  const files = checkTokenizerFiles(tokenizerJson, tokenizerConfig);
  const { PreTrainedTokenizer } = await loadTransformers();
  let inner: InstanceType<typeof PreTrainedTokenizer>;
  try {
    inner = new PreTrainedTokenizer(files.tokenizer, files.config);
    inner.decode(inner.encode('a b')); // pieces of the pipeline are built on first use
  } catch (cause) {
    throw unusable(cause);
  }
  const { tokens, special, vocabSize } = files;
  const idOf = (name: string): number | undefined => {
    const content = files.config[name];
    return typeof content === 'string' ? files.ids.get(content) : undefined;
  };
  const check = (id: number): number => {
    if (tokens.has(id)) return id;
    throw new InputError(
      `token id ${id} is not in the tokenizer (${vocabSize} ids)`,
      'Use a model and a tokenizer from the same checkpoint.',
    );
  };
  const decode = (ids: readonly number[], skipSpecialTokens: boolean): string => {
    const kept = ids.filter((id) => !(special.has(check(id)) && skipSpecialTokens));
    // Its clean-up rewrites " ." to "." and so cannot be undone; its own skipping also drops look-alikes by text.
    if (kept.length === 0) return '';
    return guarded(() => inner.decode(kept, { clean_up_tokenization_spaces: false }));
  };
  const encode = (text: string, addSpecialTokens: boolean): number[] => {
    if (text.length > MAX_TEXT)
      throw new InputError(
        `a text of ${text.length} characters, expected at most ${MAX_TEXT}`,
        'Use a shorter text, or several.',
      );
    const ids = guarded(() => inner.encode(text, { add_special_tokens: addSpecialTokens }));
    if (ids.every((id) => tokens.has(id))) return ids;
    throw new InputError(
      `the tokenizer has no token for a part of ${quote(text)}, nor one for what is unknown`,
      'Use another text, or another checkpoint.',
    );
  };
  // Decoders strip the first space of a text: a token is decoded behind a letter, which is then cut off.
  const before = encode('a', false);
  const beforeText = decode(before, false);
  return {
    encode: (text, { addSpecialTokens = true } = {}) => encode(text, addSpecialTokens),
    decode: (ids, { skipSpecialTokens = true } = {}) => decode(ids, skipSpecialTokens),
    tokenText: (id) => {
      const raw = tokens.get(id);
      if (raw === undefined) return `<id ${id}>`;
      if (special.has(id)) return raw;
      const text = decode([...before, id], false);
      if (!text.startsWith(beforeText)) return raw;
      const added = text.slice(beforeText.length);
      return added.includes('\ufffd') && !raw.includes('\ufffd') ? showBytes(raw) : added;
    },
    vocabSize,
    bosTokenId: idOf('bos_token'),
    eosTokenId: idOf('eos_token'),
    padTokenId: idOf('pad_token') ?? idOf('eos_token') ?? 0,
  };
}

/** Characters of a text; the longest contexts of models that run here are shorter. */
const MAX_TEXT = 100_000;

const unusable = (cause: unknown): FileError => {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new FileError(
    `tokenizer.json cannot be used: ${shorten(why, 200)}`,
    'Get the tokenizer.json and tokenizer_config.json of the checkpoint again.',
    { cause },
  );
};

/** What transformers.js throws over a file that it cannot use is the file's fault. */
function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw cause instanceof LoriError ? cause : unusable(cause);
  }
}

let byteOfChar: Map<string, number> | undefined;

/** A token of byte-level BPE as `<0x..>` for each byte; other tokens as they are. */
function showBytes(raw: string): string {
  byteOfChar ??= byteLevelAlphabet();
  const bytes = Array.from(raw, (c) => byteOfChar?.get(c));
  if (bytes.includes(undefined)) return raw;
  return bytes.map((b) => `<0x${(b as number).toString(16).toUpperCase().padStart(2, '0')}>`).join('');
}

/** GPT-2's printable stand-ins: Latin-1's visible characters stand for themselves, other bytes for U+0100 and up. */
function byteLevelAlphabet(): Map<string, number> {
  const visible = (b: number): boolean => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  const alphabet = new Map<string, number>();
  let next = 256;
  for (let b = 0; b < 256; b++) alphabet.set(String.fromCharCode(visible(b) ? b : next++), b);
  return alphabet;
}
