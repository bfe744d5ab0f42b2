/**
 * Text ↔ token ids, from a checkpoint's tokenizer.json and tokenizer_config.json, through transformers.js. Takes
 * parsed files, so it works from dropped bytes. Chat templates are left out: LoRi's prompts are plain text.
 */
import { FileError, InputError } from '../base/errors';
import { checkTokenizerFiles } from './check';
import { loadTransformers } from './transformers';

export interface Tokenizer {
  /** Ids of `text`. `addSpecialTokens` (default true): what the model expects around a text, such as `<s>`. */
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
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FileError(
      `tokenizer.json cannot be used: ${why.slice(0, 200)}`,
      'get the tokenizer of the checkpoint again',
      { cause },
    );
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
      'model and tokenizer must be of one checkpoint',
    );
  };
  const decode = (ids: readonly number[], skipSpecialTokens: boolean): string => {
    const kept = ids.filter((id) => !(special.has(check(id)) && skipSpecialTokens));
    // Its clean-up rewrites " ." to "." and so cannot be undone; its own skipping also drops look-alikes by text.
    return kept.length === 0 ? '' : inner.decode(kept, { clean_up_tokenization_spaces: false });
  };
  // Decoders strip the first space of a text: a token is decoded behind a letter, which is then cut off.
  const before = inner.encode('a', { add_special_tokens: false });
  const beforeText = decode(before, false);
  return {
    encode: (text, { addSpecialTokens = true } = {}) =>
      inner.encode(text, { add_special_tokens: addSpecialTokens }),
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
