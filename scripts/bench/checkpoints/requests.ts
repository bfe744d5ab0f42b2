import { FIGURE_6, type LensRequest } from '../../../src/contract/lens';

/** Words of a text that are about 64 tokens of the bundled pair's tokenizer. */
const WORDS = 59;
const TEXT = 'Tom has 12 apples and gives 3 of them to Ann . How many apples does he have left ?';

/** The lens on 4 texts of about 64 tokens, all layers. Another name gives other texts of the same length. */
export function lensRequest(name: string): LensRequest {
  const texts = Array.from({ length: 4 }, (_, i) =>
    Array.from({ length: 4 }, () => TEXT.replace('Tom', name))
      .join(` ${i} `)
      .split(' ')
      .slice(0, WORDS)
      .join(' '),
  );
  return {
    ...FIGURE_6,
    source: { kind: 'texts', texts },
    selections: [{ subject: { kind: 'opened' }, sections: ['text'] }],
  };
}

/** The lens on so many texts of about so many tokens, all layers; other texts than any other size has. */
export function lensOf(texts: number, tokens: number): LensRequest {
  const words = TEXT.split(' ');
  return {
    ...FIGURE_6,
    source: {
      kind: 'texts',
      texts: Array.from({ length: texts }, (_, i) =>
        Array.from({ length: Math.max(1, Math.round(tokens * 0.92)) }, (_, n) =>
          n === 0 ? `${i}` : (words[(n + tokens) % words.length] as string),
        ).join(' '),
      ),
    },
    selections: [{ subject: { kind: 'opened' }, sections: ['text'] }],
  };
}
