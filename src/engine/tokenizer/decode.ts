/** Decoders of a tokenizer.json, as the reference implementation applies them. */

import type { Json } from './added-token';
import { byteLevelBytes, exactText, fallbackByte, lossyText, utf8Bytes } from './bytes';
import { replacer } from './normalize';

type Decode = (tokens: readonly string[]) => readonly string[];

/** Joins tokens into a text. `step`: a piece accepted by `checkPipeline`, or `null`. */
export function decoder(step: Json | null): (tokens: readonly string[]) => string {
  if (step === null) return (tokens) => tokens.join(' ');
  const decode = chain(step);
  return (tokens) => decode(tokens).join('');
}

function chain(step: Json): Decode {
  switch (step.type) {
    case 'Sequence': {
      const parts = (step.decoders as Json[]).map(chain);
      return (tokens) => parts.reduce((some, part) => part(some), tokens);
    }
    case 'ByteLevel':
      // A token with a character outside the byte alphabet stands for itself.
      return (tokens) => [
        lossyText(tokens.flatMap((token) => byteLevelBytes(token) ?? [...utf8Bytes(token)])),
      ];
    case 'ByteFallback':
      return byteFallback;
    case 'Fuse':
      return (tokens) => [tokens.join('')];
    case 'Strip':
      return strip(step);
    case 'Metaspace':
      return metaspace(step);
    case 'BPEDecoder': {
      const suffix = (step.suffix ?? '</w>') as string;
      return (tokens) =>
        tokens.map((token, i) => token.replaceAll(suffix, i === tokens.length - 1 ? '' : ' '));
    }
    default: {
      const replace = replacer(step);
      return (tokens) => tokens.map(replace);
    }
  }
}

/** Turns runs of byte tokens into text, or into `\ufffd` for each byte if a run is not UTF-8. */
const byteFallback: Decode = (tokens) => {
  const out: string[] = [];
  let bytes: number[] = [];
  const end = (): void => {
    if (bytes.length > 0) out.push(exactText(bytes) ?? '\ufffd'.repeat(bytes.length));
    bytes = [];
  };
  for (const token of tokens) {
    const byte = fallbackByte(token);
    if (byte !== undefined) bytes.push(byte);
    else {
      end();
      out.push(token);
    }
  }
  end();
  return out;
};

/** Strips up to `start` and `stop` occurrences of the character at the ends of each token. */
function strip({ content, start, stop }: Json): Decode {
  return (tokens) =>
    tokens.map((token) => {
      const chars = Array.from(token);
      let from = 0;
      while (from < (start as number) && chars[from] === content) from++;
      let to = chars.length;
      while (to > from && chars.length - to < (stop as number) && chars[to - 1] === content) to--;
      return chars.slice(from, to).join('');
    });
}

/** In the first token the marker is dropped, unless none is ever put in front of a text. */
function metaspace({ replacement = '▁', prepend_scheme = 'always' }: Json): Decode {
  const mark = replacement as string;
  return (tokens) =>
    tokens.map((token, i) => token.replaceAll(mark, i === 0 && prepend_scheme !== 'never' ? '' : ' '));
}
