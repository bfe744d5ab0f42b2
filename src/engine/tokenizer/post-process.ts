/** Special tokens around a text, as the post-processor of a tokenizer.json adds them. */
import type { Json } from './added-token';

export type PostProcess = (ids: readonly number[]) => readonly number[];

/** `step`: a piece accepted by `checkPipeline`, or `null`. */
export function postProcessor(step: Json | null): PostProcess {
  switch (step?.type) {
    case 'Sequence': {
      const parts = (step.processors as Json[]).map(postProcessor);
      return (ids) => parts.reduce((some, part) => part(some), ids);
    }
    case 'TemplateProcessing':
      return template(step);
    case 'BertProcessing':
    case 'RobertaProcessing': {
      const [[, cls], [, sep]] = [step.cls, step.sep] as [string, number][] as [
        [string, number],
        [string, number],
      ];
      return (ids) => [cls, ...ids, sep];
    }
    default: // ByteLevel only moves offsets
      return (ids) => ids;
  }
}

interface Special {
  readonly ids: readonly number[];
}
type Item =
  | { readonly SpecialToken: { readonly id: string } }
  | { readonly Sequence: { readonly id: 'A' | 'B' } };

function template(step: Json): PostProcess {
  const special = new Map(Object.entries(step.special_tokens as Record<string, Special>));
  const parts = (step.single as Item[]).map((item) =>
    'SpecialToken' in item
      ? (special.get(item.SpecialToken.id)?.ids ?? [])
      : item.Sequence.id === 'A'
        ? ('text' as const)
        : [],
  );
  return (ids) => parts.flatMap((part) => (part === 'text' ? ids : part));
}

/** A template that adds `bos` and `eos`, as far as given. */
export const around = (bos: number | undefined, eos: number | undefined): Json => ({
  type: 'TemplateProcessing',
  single: [
    ...(bos === undefined ? [] : [{ SpecialToken: { id: 'bos', type_id: 0 } }]),
    { Sequence: { id: 'A', type_id: 0 } },
    ...(eos === undefined ? [] : [{ SpecialToken: { id: 'eos', type_id: 0 } }]),
  ],
  special_tokens: {
    ...(bos === undefined ? {} : { bos: { ids: [bos] } }),
    ...(eos === undefined ? {} : { eos: { ids: [eos] } }),
  },
});
