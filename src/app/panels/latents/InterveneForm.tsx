import { useRef } from 'react';
import { STATE_SITES } from '../../../contract/latents';
import { drafted, draftedText, type InterveneDraft, needsVector } from '../../store/intervene-draft';
import { interveneErrors, sizesOf } from '../../store/intervene-numbers';
import { isTraining } from '../../store/run';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Choice } from '../../ui/Choice';
import { CheckField } from '../../ui/Field';
import { Formula } from '../../ui/Formula';
import { TextEntry } from '../../ui/TextEntry';
import { FormUndo } from '../shared/FormUndo';
import { NumberOf, type PartProps } from './NumberOf';
import { STATES_OF, thoughtOptions, tokenOptions, VectorFields, withChosen } from './VectorFields';

const KINDS: readonly {
  readonly id: InterveneDraft['kind'];
  readonly label: string;
  readonly tex: string;
}[] = [
  { id: 'zero', label: 'set to zero', tex: 'h \\to 0' },
  { id: 'noise', label: 'noise of the same norm', tex: 'h \\to \\lVert h\\rVert\\, g/\\lVert g\\rVert' },
  { id: 'scale', label: 'scale', tex: 'h \\to a\\,h' },
  { id: 'replace', label: 'replace by …', tex: 'h \\to v' },
  { id: 'interpolate', label: 'interpolate with …', tex: 'h \\to (1-s)\\,h + s\\,v' },
  { id: 'add', label: 'add a steering vector', tex: 'h \\to h + a\\,v' },
  {
    id: 'remove',
    label: 'project out a direction',
    tex: 'h \\to h - (h\\cdot u)\\,u,\\; u = v/\\lVert v\\rVert',
  },
  { id: 'project', label: 'project onto r directions', tex: 'h \\to c + V_rV_r^\\top(h-c)' },
  { id: 'permute', label: 'permute the thoughts', tex: 'z_t \\to z_{\\pi(t)}' },
];

/** What is done to a thought or to a state, and where; trying it grows a branch. */
export function InterveneForm() {
  const latents = useApp((state) => state.latents);
  const training = useApp((state) => isTraining(state.run));
  const draft = useApp((state) => state.forms.intervene.draft);
  const { changeForm, intervene } = useActions();
  const form = useRef<HTMLDivElement>(null);
  const session = latents.session.value;
  if (!session || session.latentSteps === 0) return null;
  const { latentSteps: K } = session;
  const { text } = draft;
  const change = (part: Partial<InterveneDraft>) => changeForm('intervene', part);
  const sizes = sizesOf(session);
  const errors = interveneErrors(draft, sizes);
  const fields = { draft, session, sizes, errors, change };
  const { interventions, problem } = drafted(draft, K);
  const written = text.trim() === '' ? null : draftedText(text);
  const busy = isBusy(latents.thought) || isBusy(latents.answer) || training;
  const kind = KINDS.find(({ id }) => id === draft.kind);
  return (
    <div className="intervene" ref={form}>
      <div className="intervene-form">
        <Choice
          label="Operation"
          value={draft.kind}
          options={KINDS}
          onChange={(id) => change({ kind: id })}
          help={kind && <Formula tex={kind.tex} />}
        />
        {draft.kind === 'permute' ? (
          <TextEntry
            label="Order"
            value={draft.order}
            placeholder={Array.from({ length: K }, (_, i) => K - i).join(' ')}
            onChange={(order) => change({ order })}
            help="Which thought of the unmodified run is fed at each step; reversed if left empty."
          />
        ) : (
          <Place {...fields} />
        )}
        {draft.kind === 'noise' && (
          <NumberOf
            {...fields}
            field="seed"
            label="Seed"
            help="g is standard normal, by seed, position and place."
          />
        )}
        {(draft.kind === 'scale' || draft.kind === 'add') && (
          <NumberOf {...fields} field="factor" label="Factor" tex="a" whole={false} />
        )}
        {draft.kind === 'interpolate' && (
          <NumberOf {...fields} field="share" label="Share" tex="s" whole={false} />
        )}
        {draft.kind === 'project' && <Projection {...fields} />}
        {needsVector(draft.kind) && <VectorFields {...fields} />}
      </div>
      {problem !== null && errors.size === 0 && <p className="field-error">{problem}</p>}
      <div className="actions">
        <Button
          look="primary"
          isDisabled={problem !== null || errors.size > 0 || busy}
          onPress={() => interventions && void intervene(interventions)}
        >
          Try on a branch
        </Button>
        <FormUndo name="intervene" form={form} />
      </div>
      <details>
        <summary>Write them as text</summary>
        <TextEntry
          label="Interventions"
          rows={2}
          value={text}
          onChange={(next) => change({ text: next })}
          placeholder='z2:zero;z3@residual.2:add(token("12"),0.5)'
          help="As in links, files and on the command line; several are separated by semicolons."
          error={written?.problem ?? undefined}
        />
        <Button
          isDisabled={!written?.interventions || busy}
          onPress={() => written?.interventions && void intervene(written.interventions)}
        >
          Try these
        </Button>
      </details>
    </div>
  );
}

const OF: Readonly<Record<InterveneDraft['of'], { readonly label: string; readonly fed: string }>> = {
  thought: { label: 'a thought', fed: 'the thought, before it is fed' },
  question: { label: 'a token of the question', fed: 'its embedding, before it is fed' },
  prompt: { label: 'a token of the answer’s prompt', fed: 'its embedding, before it is fed' },
};

function Place(fields: PartProps) {
  const { draft, session, errors, change } = fields;
  const { of, step } = draft;
  const { latentSteps: K, tokens, prompt } = session;
  const positions = of === 'thought' ? thoughtOptions(K) : tokenOptions(of, session);
  const kinds = (Object.keys(OF) as InterveneDraft['of'][]).filter(
    (id) => id !== 'prompt' || prompt.length > 0,
  );
  return (
    <>
      <Choice
        label="Of"
        value={of}
        options={kinds.map((id) => ({ id, label: OF[id].label }))}
        onChange={(next) => change({ of: next, step: next === 'question' ? tokens.length : 1 })}
        help={
          of === 'question'
            ? 'The question is read again with the change; everything after it is fed as usual.'
            : 'What comes before is not computed again. Tokens that mark where thoughts begin and end are fed as they are.'
        }
      />
      <Choice
        label={of === 'thought' ? 'Thought' : 'Token'}
        value={String(step)}
        options={withChosen(positions, step)}
        onChange={(id) => change({ step: Number(id) })}
      />
      {errors.has('step') && <p className="field-error">{errors.get('step')}</p>}
      <Choice
        label="Where"
        value={draft.site}
        options={[
          { id: 'latent', label: OF[of].fed },
          ...STATE_SITES.map((id) => ({ id, label: `${id} of a layer, at its position` })),
        ]}
        onChange={(site) => change({ site: site as InterveneDraft['site'] })}
      />
      {draft.site !== 'latent' && <NumberOf {...fields} field="layer" label="Layer" />}
    </>
  );
}

function Projection(fields: PartProps) {
  const { draft, change } = fields;
  return (
    <>
      <NumberOf {...fields} field="rank" label="Directions" tex="r" unit="directions" />
      <NumberOf
        {...fields}
        field="problems"
        label="Training problems"
        unit="problems"
        help={`The leading directions of all their ${STATES_OF[draft.of]} at this place.`}
      />
      <CheckField
        label="Around their mean"
        isSelected={draft.centre}
        onChange={(centre) => change({ centre })}
      />
      <Choice
        label="Keep"
        value={draft.keep}
        options={[
          { id: 'inside', label: 'what lies in them' },
          { id: 'outside', label: 'what is orthogonal to them' },
        ]}
        onChange={(keep) => change({ keep })}
      />
    </>
  );
}
