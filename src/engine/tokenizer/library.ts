/**
 * What is used of @huggingface/tokenizers: the merges of BPE, and the translation of Oniguruma patterns to
 * JavaScript. The rest of its pipeline differs from the reference implementation in places (flags of added
 * tokens, behaviours of Split, Whitespace and Digits beyond ASCII, unknown tokens across words, several
 * decoders), so the steps here are our own.
 */
import { BPE, SplitPreTokenizer } from '@huggingface/tokenizers';
import { FileError } from '../base/errors';

/** `{"String": …}` or `{"Regex": …}`, as checked by `checkPipeline`. */
export type Pattern = Readonly<Record<'String' | 'Regex', string | undefined>>;

/** A global pattern. Throws `SyntaxError` if it has no counterpart in JavaScript. */
export function compilePattern(pattern: Pattern): RegExp {
  // `invert` omits the group that the library puts around a plain text.
  const config = { type: 'Split', pattern, behavior: 'Isolated', invert: true };
  const compiled = new SplitPreTokenizer(config as ConstructorParameters<typeof SplitPreTokenizer>[0])
    .pattern;
  if (compiled === null) throw new FileError('tokenizer.json: a pattern is neither a text nor a "Regex"');
  return foldBeyondAscii(pattern.Regex ?? '', compiled);
}

/**
 * Adds the two characters beyond ASCII that are an ASCII letter's other case, which the library's `(?i:…)`
 * omits.
 */
function foldBeyondAscii(written: string, compiled: RegExp): RegExp {
  if (!written.includes('(?i:') || /\[(sS|kK)\]/.test(written)) return compiled;
  const source = compiled.source.replaceAll('[sS]', '[sS\u017f]').replaceAll('[kK]', '[kK\u212a]');
  return new RegExp(source, compiled.flags);
}

export interface Merges {
  /** The model's own vocabulary, without added tokens. */
  readonly tokens_to_ids: ReadonlyMap<string, number>;
  /** The tokens of a word; unmerged characters come one by one, whether or not they are in the vocabulary. */
  bpe(word: string): readonly string[];
}

/** `model`: the checked `model` of a tokenizer.json. */
export const loadMerges = (model: Readonly<Record<string, unknown>>): Merges =>
  new BPE(model as unknown as ConstructorParameters<typeof BPE>[0]);
