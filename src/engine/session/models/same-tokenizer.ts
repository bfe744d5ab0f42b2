import type { Tokenizer } from '../../tokenizer/tokenizer';

/** Texts that tokenizers with equal vocabularies may still split differently. */
const PROBES = ['Tom has 12 apples.', ' 1234567 = <<3*4=12>>\n', 'É ½ …  \t“x”', 'The answer is: -3.5'];

const known = new WeakMap<Tokenizer, WeakMap<Tokenizer, boolean>>();

/**
 * Whether both give the same ids, judged by their vocabularies and on a few texts that tokenizers tend to
 * split differently.
 */
export function sameTokenizer(a: Tokenizer, b: Tokenizer): boolean {
  if (a === b) return true;
  if (a.vocabSize !== b.vocabSize) return false;
  const found = known.get(a)?.get(b);
  if (found !== undefined) return found;
  const same = sameSplits(a, b) && sameVocabulary(a, b);
  known.set(a, (known.get(a) ?? new WeakMap<Tokenizer, boolean>()).set(b, same));
  return same;
}

const sameSplits = (a: Tokenizer, b: Tokenizer): boolean =>
  PROBES.every((text) => String(idsOf(a, text)) === String(idsOf(b, text)));

/** The ids, or why there are none. */
function idsOf(tokenizer: Tokenizer, text: string): readonly number[] | string {
  try {
    return tokenizer.encode(text);
  } catch (error) {
    return (error as Error).message;
  }
}

function sameVocabulary(a: Tokenizer, b: Tokenizer): boolean {
  for (let id = 0; id < a.vocabSize; id++)
    if (a.has(id) !== b.has(id) || a.tokenText(id) !== b.tokenText(id)) return false;
  return true;
}
