/** Normalizers of a tokenizer.json, as the reference implementation applies them. */

import type { Json } from './added-token';
import { compilePattern, type Pattern } from './library';

export type Normalize = (text: string) => string;

/** `step`: a piece accepted by `checkPipeline`, or `null`. */
export function normalizer(step: Json | null): Normalize {
  if (step === null) return (text) => text;
  switch (step.type) {
    case 'Sequence': {
      const parts = (step.normalizers as Json[]).map(normalizer);
      return (text) => parts.reduce((t, part) => part(t), text);
    }
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD': {
      const form = step.type;
      return (text) => text.normalize(form);
    }
    case 'Lowercase':
      // Character by character, without Greek's final sigma.
      return (text) => Array.from(text, (char) => char.toLowerCase()).join('');
    case 'StripAccents':
      return (text) => text.replace(/\p{M}/gu, '');
    case 'Strip': {
      const { strip_left = true, strip_right = true } = step;
      return (text) => {
        const right = strip_right ? text.replace(/\p{White_Space}+$/u, '') : text;
        return strip_left ? right.replace(/^\p{White_Space}+/u, '') : right;
      };
    }
    case 'Prepend':
      return (text) => (text === '' ? text : `${step.prepend as string}${text}`);
    default:
      return replacer(step);
  }
}

/** `Replace`, in a normalizer or a decoder. The content is inserted literally: `$&` has no meaning. */
export function replacer(step: Json): Normalize {
  const pattern = compilePattern(step.pattern as Pattern);
  const content = (step.content ?? '') as string;
  return (text) => text.replace(pattern, () => content);
}
