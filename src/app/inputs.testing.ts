/** Made-up tokens of a sample, for the double: words of the question, one of them unknown, and what a student is fed. */
import type { InputSegment, InputsRequest, RunInputs } from '../contract/inputs';
import type { PreviewToken } from '../contract/tokens';

const tokensOf = (text: string): PreviewToken[] =>
  text
    .split(/(?= )/)
    .map((part, id) =>
      /z/.test(part)
        ? { id: 0, text: '<unk>', special: true, unknown: part.trim() }
        : { id: id + 1, text: part, special: false },
    );

const segment = (part: Extract<InputSegment, { kind: 'tokens' }>['part'], text: string): InputSegment => {
  const tokens = tokensOf(text);
  const words = tokens.flatMap(({ unknown }) => unknown ?? []);
  return {
    ...{ kind: 'tokens', part, tokens, count: tokens.length },
    unknown: { count: words.length, words: [...new Set(words)] },
  };
};

export const madeInputs = (of: InputsRequest['of'], samples: number): RunInputs => ({
  id: of.kind === 'row' ? of.id : `train-${of.index}`,
  ...{ student: 'stories', teacher: 'stories itself', count: 27, positions: 256 },
  leftOut: of.kind === 'row' && of.id === 'row-4' ? '400 tokens; at most 256' : null,
  samples: of.kind === 'row' ? null : samples,
  stages: [
    {
      ...{ name: '', isDrawn: false },
      segments: [
        segment('question', 'Mia has 4 zebras and 3 zebus How many?'),
        segment('rationale', '<<4+3=7>>'),
        { kind: 'latents', count: 5 },
        segment('prompt', 'The answer is:'),
        segment('answer', '7 </s>'),
      ],
    },
  ],
});
