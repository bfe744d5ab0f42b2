import { useState } from 'react';
import type { LatentSession } from '../../../contract/events';
import { STATE_SITES } from '../../../contract/latents';
import {
  drafted,
  draftedText,
  type InterveneDraft,
  initialIntervention,
  needsVector,
} from '../../store/intervene-draft';
import { isTraining } from '../../store/run';
import { isBusy } from '../../store/task';
import { useActions, useApp } from '../../store/use-app';
import { Button } from '../../ui/Button';
import { Choice } from '../../ui/Choice';
import { CheckField, NumberField } from '../../ui/Field';
import { Formula } from '../../ui/Formula';
import { TextEntry } from '../../ui/TextEntry';
import { STATES_OF, thoughtOptions, tokenOptions, VectorFields } from './VectorFields';

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
  const [draft, setDraft] = useState<InterveneDraft>({
    ...initialIntervention,
    step: Math.max(1, latents.step),
  });
  const [text, setText] = useState('');
  const { intervene } = useActions();
  const session = latents.session.value;
  if (!session || session.latentSteps === 0) return null;
  const { latentSteps: K } = session;
  const change = (part: Partial<InterveneDraft>) => setDraft({ ...draft, ...part });
  const { interventions, problem } = drafted(draft, K);
  const written = text.trim() === '' ? null : draftedText(text);
  const busy = isBusy(latents.thought) || isBusy(latents.answer) || training;
  const kind = KINDS.find(({ id }) => id === draft.kind);
  return (
    <>
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
          <Place draft={draft} session={session} change={change} />
        )}
        {draft.kind === 'noise' && (
          <NumberField
            whole
            label="Seed"
            value={draft.seed}
            onChange={(seed) => change({ seed })}
            help="g is standard normal, by seed, position and place."
          />
        )}
        {(draft.kind === 'scale' || draft.kind === 'add') && (
          <NumberField
            label="Factor"
            tex="a"
            value={draft.factor}
            onChange={(factor) => change({ factor })}
          />
        )}
        {draft.kind === 'interpolate' && (
          <NumberField label="Share" tex="s" value={draft.share} onChange={(share) => change({ share })} />
        )}
        {draft.kind === 'project' && <Projection draft={draft} change={change} />}
        {needsVector(draft.kind) && <VectorFields draft={draft} session={session} change={change} />}
      </div>
      {problem !== null && <p className="field-error">{problem}</p>}
      <div className="actions">
        <Button
          look="primary"
          isDisabled={problem !== null || busy}
          onPress={() => interventions && void intervene(interventions)}
        >
          Try on a branch
        </Button>
      </div>
      <details>
        <summary>Write them as text</summary>
        <TextEntry
          label="Interventions"
          rows={2}
          value={text}
          onChange={setText}
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
    </>
  );
}

interface PartProps {
  readonly draft: InterveneDraft;
  readonly change: (part: Partial<InterveneDraft>) => void;
}

const OF: Readonly<Record<InterveneDraft['of'], { readonly label: string; readonly fed: string }>> = {
  thought: { label: 'a thought', fed: 'the thought, before it is fed' },
  question: { label: 'a token of the question', fed: 'its embedding, before it is fed' },
  prompt: { label: 'a token of the answer’s prompt', fed: 'its embedding, before it is fed' },
};

function Place({ draft, session, change }: PartProps & { readonly session: LatentSession }) {
  const { of, step } = draft;
  const { latentSteps: K, layers: L, tokens, prompt } = session;
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
        value={String(Math.min(step, positions.length))}
        options={positions}
        onChange={(id) => change({ step: Number(id) })}
      />
      <Choice
        label="Where"
        value={draft.site}
        options={[
          { id: 'latent', label: OF[of].fed },
          ...STATE_SITES.map((id) => ({ id, label: `${id} of a layer, at its position` })),
        ]}
        onChange={(site) => change({ site: site as InterveneDraft['site'] })}
      />
      {draft.site !== 'latent' && (
        <NumberField
          whole
          label="Layer"
          value={draft.layer}
          onChange={(layer) => change({ layer })}
          error={
            Number.isInteger(draft.layer) && draft.layer >= 1 && draft.layer <= L
              ? undefined
              : `Choose a layer from 1 to ${L}.`
          }
        />
      )}
    </>
  );
}

function Projection({ draft, change }: PartProps) {
  return (
    <>
      <NumberField
        whole
        label="Directions"
        tex="r"
        value={draft.rank}
        onChange={(rank) => change({ rank })}
      />
      <NumberField
        whole
        label="Training problems"
        value={draft.problems}
        onChange={(problems) => change({ problems })}
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
