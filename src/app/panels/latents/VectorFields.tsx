import type { LatentSession } from '../../../contract/events';
import { positionName } from '../../../contract/intervention-text';
import { MAX_FACTOR, type TokenSegment } from '../../../contract/latents';
import { MAX_LINK_TEXT } from '../../store/form-link';
import type { InterveneDraft } from '../../store/intervene-draft';
import { Choice, type Option } from '../../ui/Choice';
import { visibleToken } from '../../ui/format';
import { TextEntry } from '../../ui/TextEntry';
import { rangeHelp } from '../shared/RangedField';
import { NumberOf, type PartProps } from './NumberOf';

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

/** The options, and the chosen one where it is none of them, as of a question with more. */
export const withChosen = (options: readonly Option<string>[], chosen: number): readonly Option<string>[] =>
  options.some(({ id }) => id === String(chosen))
    ? options
    : [...options, { id: String(chosen), label: `${chosen} (not here)` }];

/** What is averaged and decomposed, by whose position is changed. */
export const STATES_OF: Readonly<Record<InterveneDraft['of'], string>> = {
  thought: 'thoughts’ states',
  question: 'questions’ tokens’ states',
  prompt: 'prompt tokens’ states',
};

/** Which vector v an operation is given. */
export function VectorFields(fields: PartProps) {
  const { draft, session, errors, change } = fields;
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
            <NumberOf
              {...fields}
              field="thought"
              label="Which token of the question"
              help="Counted from 1; of this question, its tokens are listed above."
            />
          ) : (
            <>
              <Choice
                label={vector === 'thought' ? 'Which thought' : 'Which token of the prompt'}
                value={String(draft.thought)}
                options={withChosen(
                  vector === 'thought' ? thoughtOptions(K) : tokenOptions('prompt', session),
                  draft.thought,
                )}
                onChange={(id) => change({ thought: Number(id) })}
              />
              {errors.has('thought') && <p className="field-error">{errors.get('thought')}</p>}
            </>
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
        <NumberOf
          {...fields}
          field="problems"
          label="Training problems"
          unit="problems"
          help={
            vector === 'mean'
              ? draft.of === 'question'
                ? 'The mean over all tokens of their questions at this place: questions do not match token by token.'
                : `The mean state of the same ${draft.of === 'thought' ? 'thought' : 'token'} at this place.`
              : `The direction is one of all their ${STATES_OF[draft.of]} at this place, around their mean.`
          }
        />
      )}
      {vector === 'direction' && <NumberOf {...fields} field="index" label="Which direction" />}
      {vector === 'values' && (
        <TextEntry
          label="Values"
          rows={3}
          value={draft.values}
          onChange={(values) => change({ values })}
          help={rangeHelp(
            `As many values as the hidden size, ${session.hidden}, separated by commas or spaces; a link holds up to ${MAX_LINK_TEXT} characters of them.`,
            { range: [-MAX_FACTOR, MAX_FACTOR], usual: 'none' },
          )}
        />
      )}
    </>
  );
}
