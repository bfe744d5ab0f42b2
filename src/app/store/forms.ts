import { type AttentionChoice, attentionEntries, initialAttention } from './attention-draft';
import { type CausalDraft, causalEntries, initialCausalDraft } from './causal-draft';
import { type EvaluationDraft, evaluationEntries, initialEvaluationDraft } from './evaluation';
import { type FormEntries, followForm, formLink, readForm, typedFields } from './form-link';
import { changedForm, type Form, formOf, mapHistory, steppedForm } from './history';
import { type InterveneDraft, initialIntervention } from './intervene-draft';
import { interveneEntries } from './intervene-numbers';
import type { SubjectId } from './lens-draft';
import { initialMemory, type MemoryDraft, memoryEntries } from './memory-draft';
import { initialStoppingDraft, type StoppingDraft, stoppingEntries } from './stopping';
import { initialThoughtTestDraft, type ThoughtTestDraft, thoughtTestEntries } from './thought-test';
import { initialTrajectories, type TrajectoriesDraft, trajectoriesEntries } from './trajectories-draft';

/** The forms whose settings do nothing by themselves: they are kept, undone and redone, and stand in the link of their place. */
export interface Drafts {
  readonly causal: CausalDraft;
  readonly trajectories: TrajectoriesDraft;
  readonly evaluation: EvaluationDraft;
  readonly thoughtTest: ThoughtTestDraft;
  readonly stopping: StoppingDraft;
  readonly attention: AttentionChoice;
  readonly intervene: InterveneDraft;
  readonly memory: MemoryDraft;
}
export type FormName = keyof Drafts;
export type Forms = { readonly [Name in FormName]: Form<Drafts[Name]> };

interface Kind<Draft> {
  readonly place: 'lowrank' | 'latents' | 'model';
  readonly initial: Draft;
  readonly entries: FormEntries<Draft>;
}

const KINDS: { readonly [Name in FormName]: Kind<Drafts[Name]> } = {
  causal: { place: 'lowrank', initial: initialCausalDraft, entries: causalEntries },
  trajectories: { place: 'lowrank', initial: initialTrajectories, entries: trajectoriesEntries },
  evaluation: { place: 'latents', initial: initialEvaluationDraft, entries: evaluationEntries },
  thoughtTest: { place: 'latents', initial: initialThoughtTestDraft, entries: thoughtTestEntries },
  stopping: { place: 'latents', initial: initialStoppingDraft, entries: stoppingEntries },
  attention: { place: 'latents', initial: initialAttention, entries: attentionEntries },
  intervene: { place: 'latents', initial: initialIntervention, entries: interveneEntries },
  memory: { place: 'model', initial: initialMemory, entries: memoryEntries },
};

/** Any form: what holds of each of them, its own draft aside. */
type AnyKind = Kind<object>;
const kinds = Object.entries(KINDS) as unknown as readonly (readonly [FormName, AnyKind])[];
const kindOf = (name: FormName) => KINDS[name] as unknown as AnyKind;

/** The values of a link, as text; absent ones are the defaults. */
export type FormsLink = Readonly<Record<string, string>>;

export const FORM_KEYS: readonly string[] = kinds.flatMap(([, { entries }]) => Object.keys(entries));

/** The usable values, and what is wrong with the others. */
export function readFormsLink(values: URLSearchParams): {
  readonly forms: FormsLink;
  readonly problems: readonly string[];
} {
  const read = kinds.map(([, { entries, initial }]) => readForm(values, entries, initial));
  return {
    forms: Object.assign({}, ...read.map(({ found }) => found)) as FormsLink,
    problems: read.flatMap(({ problems }) => problems),
  };
}

/** The forms that a link asks for. @param before those that stay as they are: of other places than the link's, if there are any */
export function followFormsLink(
  link: FormsLink,
  before?: { readonly forms: Forms; readonly place: string },
): Forms {
  return Object.fromEntries(
    kinds.map(([name, { place, entries, initial }]) => [
      name,
      before && place !== before.place ? before.forms[name] : formOf(followForm(link, entries, initial)),
    ]),
  ) as unknown as Forms;
}

/** What a link to a place must carry to come back to its forms. */
export const formsLink = (forms: Forms, place: string): FormsLink =>
  Object.assign(
    {},
    ...kinds
      .filter(([, kind]) => kind.place === place)
      .map(([name, { entries, initial }]) => formLink<object>(forms[name].draft, entries, initial)),
  ) as FormsLink;

export type FormEdit<Name extends FormName> = Partial<Drafts[Name]> | 'undo' | 'redo';

/** The forms after a change of one of them, or after a step of its history. */
export function editedForms<Name extends FormName>(forms: Forms, name: Name, edit: FormEdit<Name>): Forms {
  const form = forms[name] as unknown as Form<object>;
  const next =
    typeof edit === 'string'
      ? steppedForm(form, edit)
      : changedForm(form, edit, typedFields(kindOf(name).entries));
  return next === form ? forms : { ...forms, [name]: next };
}

/** The forms once the opened model is gone: where it was chosen, the usual subject is. */
export function formsWithoutOpened(forms: Forms): Forms {
  const without = (draft: object, { initial }: AnyKind): object => {
    const { subject } = draft as { readonly subject?: SubjectId };
    return subject === 'opened' ? { ...draft, subject: (initial as { subject: SubjectId }).subject } : draft;
  };
  return Object.fromEntries(
    kinds.map(([name, kind]) => {
      const form = forms[name] as unknown as Form<object>;
      const draft = without(form.draft, kind);
      return [name, { draft, ...mapHistory(form, (one) => without(one, kind), draft) }];
    }),
  ) as unknown as Forms;
}
