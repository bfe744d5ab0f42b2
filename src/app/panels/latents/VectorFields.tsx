import type { InterveneDraft } from '../../store/intervene-draft';
import { Choice } from '../../ui/Choice';
import { NumberField } from '../../ui/Field';
import { TextEntry } from '../../ui/TextEntry';

const VECTORS: readonly { readonly id: InterveneDraft['vector']; readonly label: string }[] = [
  { id: 'token', label: 'a token’s embedding' },
  { id: 'difference', label: 'the difference of two tokens' },
  { id: 'thought', label: 'another thought, unmodified' },
  { id: 'mean', label: 'the mean over problems' },
  { id: 'direction', label: 'a principal direction of thoughts' },
  { id: 'values', label: 'pasted values' },
];

/** The thoughts of a question as options. */
export const thoughtOptions = (K: number) =>
  Array.from({ length: K }, (_, i) => ({ id: String(i + 1), label: `z${i + 1}` }));

/** Which vector v an operation is given. */
export function VectorFields({
  draft,
  K,
  change,
}: {
  readonly draft: InterveneDraft;
  readonly K: number;
  readonly change: (part: Partial<InterveneDraft>) => void;
}) {
  const { vector } = draft;
  return (
    <>
      <Choice label="Vector v" value={vector} options={VECTORS} onChange={(id) => change({ vector: id })} />
      {(vector === 'token' || vector === 'difference') && (
        <TextEntry
          label={vector === 'token' ? 'Token' : 'Token that is added'}
          value={draft.token}
          onChange={(token) => change({ token })}
          help="A text that the tokenizer keeps as one token; spaces count."
        />
      )}
      {vector === 'difference' && (
        <TextEntry
          label="Token that is subtracted"
          value={draft.minus}
          onChange={(minus) => change({ minus })}
        />
      )}
      {vector === 'thought' && (
        <>
          <Choice
            label="Which thought"
            value={String(Math.min(draft.thought, K))}
            options={thoughtOptions(K)}
            onChange={(id) => change({ thought: Number(id) })}
          />
          <TextEntry
            label="Of the question"
            value={draft.question}
            placeholder="this one"
            onChange={(question) => change({ question })}
            help="A problem such as held-out-3, or a question’s text; empty for the one that is open."
          />
        </>
      )}
      {(vector === 'mean' || vector === 'direction') && (
        <NumberField
          whole
          label="Training problems"
          value={draft.problems}
          onChange={(problems) => change({ problems })}
          help={
            vector === 'mean'
              ? 'The mean state of the same thought at this place.'
              : 'The direction is one of all their thoughts’ states at this place, around their mean.'
          }
        />
      )}
      {vector === 'direction' && (
        <NumberField
          whole
          label="Which direction"
          value={draft.index}
          onChange={(index) => change({ index })}
        />
      )}
      {vector === 'values' && (
        <TextEntry
          label="Values"
          rows={3}
          value={draft.values}
          onChange={(values) => change({ values })}
          help="As many as the hidden size, separated by commas or spaces."
        />
      )}
    </>
  );
}
