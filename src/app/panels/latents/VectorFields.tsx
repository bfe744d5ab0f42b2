import type { LatentSession } from '../../../contract/events';
import { positionName } from '../../../contract/intervention-text';
import type { TokenSegment } from '../../../contract/latents';
import type { InterveneDraft } from '../../store/intervene-draft';
import { Choice } from '../../ui/Choice';
import { NumberField } from '../../ui/Field';
import { visibleToken } from '../../ui/format';
import { TextEntry } from '../../ui/TextEntry';

const VECTORS: readonly { readonly id: InterveneDraft['vector']; readonly label: string }[] = [
  { id: 'token', label: 'a token’s embedding' },
  { id: 'difference', label: 'the difference of two tokens' },
  { id: 'thought', label: 'the state at a thought, unmodified' },
  { id: 'question', label: 'the state at a question’s token, unmodified' },
  { id: 'prompt', label: 'the state at a token of the prompt, unmodified' },
  { id: 'mean', label: 'the mean over problems' },
  { id: 'direction', label: 'a principal direction of such states' },
  { id: 'values', label: 'pasted values' },
];

/** The thoughts of a question as options. */
export const thoughtOptions = (K: number) =>
  Array.from({ length: K }, (_, i) => ({ id: String(i + 1), label: `z${i + 1}` }));

/** The tokens of the question or of the prompt as options, named as in the text form. */
export const tokenOptions = (
  of: TokenSegment,
  { tokens, prompt }: Pick<LatentSession, 'tokens' | 'prompt'>,
) =>
  (of === 'question' ? tokens : prompt).map((text, i) => ({
    id: String(i + 1),
    label: `${positionName({ of, step: i + 1 })} ${visibleToken(text)}`,
  }));

/** What is averaged and decomposed, by whose position is changed. */
export const STATES_OF: Readonly<Record<InterveneDraft['of'], string>> = {
  thought: 'thoughts’ states',
  question: 'questions’ tokens’ states',
  prompt: 'prompt tokens’ states',
};

/** Which vector v an operation is given. */
export function VectorFields({
  draft,
  session,
  change,
}: {
  readonly draft: InterveneDraft;
  readonly session: LatentSession;
  readonly change: (part: Partial<InterveneDraft>) => void;
}) {
  const { vector } = draft;
  const { latentSteps: K, prompt } = session;
  const isState = vector === 'thought' || vector === 'question' || vector === 'prompt';
  const vectors = VECTORS.filter(({ id }) => id !== 'prompt' || prompt.length > 0);
  return (
    <>
      <Choice label="Vector v" value={vector} options={vectors} onChange={(id) => change({ vector: id })} />
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
      {isState && (
        <>
          {vector === 'question' ? (
            <NumberField
              whole
              label="Which token of the question"
              value={draft.thought}
              onChange={(thought) => change({ thought })}
              help="Counted from 1; of this question, its tokens are listed above."
            />
          ) : (
            <Choice
              label={vector === 'thought' ? 'Which thought' : 'Which token of the prompt'}
              value={String(Math.min(draft.thought, vector === 'thought' ? K : prompt.length))}
              options={vector === 'thought' ? thoughtOptions(K) : tokenOptions('prompt', session)}
              onChange={(id) => change({ thought: Number(id) })}
            />
          )}
          <TextEntry
            label="Of the question"
            value={draft.question}
            placeholder="this one"
            onChange={(question) => change({ question })}
            help="A problem such as held-out-3, or a question’s text; leave empty for the open one."
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
              ? draft.of === 'question'
                ? 'The mean over all tokens of their questions at this place: questions do not match token by token.'
                : `The mean state of the same ${draft.of === 'thought' ? 'thought' : 'token'} at this place.`
              : `The direction is one of all their ${STATES_OF[draft.of]} at this place, around their mean.`
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
          help="As many values as the hidden size, separated by commas or spaces."
        />
      )}
    </>
  );
}
