/** Pre-tokenizers of a tokenizer.json, as the reference implementation applies them. */

import type { Json } from './added-token';
import { toByteLevel } from './bytes';
import { compilePattern, type Pattern } from './library';
import { type Behavior, splitText } from './split';

/** A part of a text on its way to words. */
export interface Piece {
  readonly text: string;
  /** Whether it is at the beginning of the whole text. */
  readonly first: boolean;
}

/** Splits one piece into smaller ones, in order, none empty. */
export type PreTokenize = (piece: Piece) => Piece[];

/** GPT-2's pattern, in Oniguruma's syntax. */
const GPT2 = "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const WORD = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]';
const WHITESPACE = new RegExp(`${WORD}+|(?:(?!${WORD})\\P{White_Space})+`, 'gu');
// ASCII's own include symbols: $ + < = > ^ ` | ~
const PUNCTUATION = /[\p{P}!-/:-@[-`{-~]/gu;

const pieces = (texts: readonly string[], first: boolean): Piece[] =>
  texts.map((text, i) => ({ text, first: first && i === 0 }));

const splitter =
  (pattern: RegExp, behavior: Behavior, invert = false): PreTokenize =>
  ({ text, first }) => {
    const parts = splitText(text, pattern, behavior, invert);
    return pieces(parts, first && parts[0] !== undefined && text.startsWith(parts[0]));
  };

/** `step`: a piece accepted by `checkPipeline`, or `null`. */
export function preTokenizer(step: Json | null): PreTokenize {
  if (step === null) return (piece) => [piece];
  switch (step.type) {
    case 'Sequence': {
      const parts = (step.pretokenizers as Json[]).map(preTokenizer);
      return (piece) => parts.reduce((some, part) => some.flatMap(part), [piece]);
    }
    case 'Whitespace':
      return splitter(WHITESPACE, 'Removed', true);
    case 'WhitespaceSplit':
      return splitter(/\p{White_Space}/gu, 'Removed');
    case 'Punctuation':
      return splitter(PUNCTUATION, (step.behavior ?? 'Isolated') as Behavior);
    case 'Digits':
      return splitter(/\p{N}/gu, step.individual_digits === true ? 'Isolated' : 'Contiguous');
    case 'Split':
      return splitter(
        compilePattern(step.pattern as Pattern),
        step.behavior as Behavior,
        step.invert === true,
      );
    case 'FixedLength':
      return fixedLength(step.length as number);
    case 'Metaspace':
      return metaspace(step);
    default:
      return byteLevel(step);
  }
}

function fixedLength(length: number): PreTokenize {
  return ({ text, first }) => {
    const chars = Array.from(text);
    const parts: string[] = [];
    for (let at = 0; at < chars.length; at += length) parts.push(chars.slice(at, at + length).join(''));
    return pieces(parts, first);
  };
}

function metaspace({ replacement = '▁', prepend_scheme = 'always', split = true }: Json): PreTokenize {
  const mark = replacement as string;
  const atMark = compilePattern({ String: mark, Regex: undefined });
  return ({ text, first }) => {
    let marked = text.replaceAll(' ', () => mark);
    const prepend = prepend_scheme === 'always' || (prepend_scheme === 'first' && first);
    if (prepend && !marked.startsWith(mark)) marked = mark + marked;
    return pieces(split === true ? splitText(marked, atMark, 'MergedWithNext') : [marked], first);
  };
}

function byteLevel({ add_prefix_space = true, use_regex = true }: Json): PreTokenize {
  const pattern = compilePattern({ Regex: GPT2, String: undefined });
  return ({ text, first }) => {
    const spaced = add_prefix_space === true && !text.startsWith(' ') ? ` ${text}` : text;
    const parts = use_regex === true ? splitText(spaced, pattern, 'Isolated') : [spaced];
    return pieces(parts.map(toByteLevel), first);
  };
}
