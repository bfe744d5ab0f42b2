import { InterventionTextError, readInterventions } from '../../contract/intervention-text';
import {
  type Intervention,
  intervention,
  type Operation,
  type Place,
  permutation,
  type StateSite,
  type TokenSegment,
  type Vector,
} from '../../contract/latents';

/** The form for interventions, as it is filled in. */
export interface InterveneDraft {
  /** Whose position: a thought, or a token of the question or of the answer's prompt. */
  readonly of: 'thought' | TokenSegment;
  readonly step: number;
  readonly site: 'latent' | StateSite;
  readonly layer: number;
  readonly kind: Operation['kind'] | 'permute';
  readonly vector: Vector['kind'];
  readonly seed: number;
  readonly factor: number;
  readonly share: number;
  readonly rank: number;
  readonly problems: number;
  readonly centre: boolean;
  readonly keep: 'inside' | 'outside';
  readonly token: string;
  readonly minus: string;
  readonly thought: number;
  /** A problem's id or a question's text; empty for the one that is open. */
  readonly question: string;
  readonly index: number;
  readonly values: string;
  readonly order: string;
  /** Interventions written as text instead. */
  readonly text: string;
}

export const INTERVENE_KINDS = [
  ...(['zero', 'noise', 'scale', 'replace', 'interpolate', 'add', 'remove', 'project', 'permute'] as const),
] satisfies readonly InterveneDraft['kind'][];
export const VECTOR_KINDS: readonly InterveneDraft['vector'][] = [
  ...(['token', 'difference', 'thought', 'question', 'prompt', 'mean', 'direction', 'values'] as const),
];

export const initialIntervention: InterveneDraft = {
  ...{ of: 'thought', step: 1, site: 'latent', layer: 1, kind: 'zero', vector: 'token' },
  ...{ seed: 1, factor: 1, share: 0.5, rank: 4, problems: 32, centre: true, keep: 'inside' },
  ...{ token: '', minus: '', thought: 1, question: '', index: 1, values: '', order: '', text: '' },
};

/** Operations that name a vector, and the vector's field in each. */
const VECTOR_OF = { replace: 'by', interpolate: 'with', add: 'vector', remove: 'vector' } as const;
export const needsVector = (kind: InterveneDraft['kind']): kind is keyof typeof VECTOR_OF =>
  Object.hasOwn(VECTOR_OF, kind);

/** What the draft means, or what is wrong with it in words. */
export type Drafted =
  | { readonly interventions: readonly Intervention[]; readonly problem: null }
  | { readonly interventions: null; readonly problem: string };

const refused = (problem: string): Drafted => ({ interventions: null, problem });

export function drafted(draft: InterveneDraft, K: number): Drafted {
  if (draft.kind === 'permute') return permuted(draft.order, K);
  const { of, step, layer, site, kind } = draft;
  const at: Place = site === 'latent' ? { site } : { site, layer };
  const made = operationOf({ ...draft, kind });
  if ('problem' in made) return refused(made.problem);
  const result = intervention().safeParse({
    ...(of !== 'thought' && { of }),
    ...{ step, at, operation: made.operation },
  });
  if (!result.success) {
    const [issue] = result.error.issues;
    return refused(`${issue?.path.slice(1).join(' ') || 'The values'}: ${issue?.message ?? 'not valid'}`);
  }
  return { interventions: [result.data], problem: null };
}

type Made = { readonly operation: unknown } | { readonly problem: string };

function operationOf(draft: InterveneDraft & { readonly kind: Operation['kind'] }): Made {
  const { kind, seed, factor, share, rank, problems, centre, keep } = draft;
  if (!needsVector(kind)) {
    if (kind === 'zero') return { operation: { kind } };
    if (kind === 'noise') return { operation: { kind, seed } };
    if (kind === 'scale') return { operation: { kind, factor } };
    return { operation: { kind, rank, problems, centre, keep } };
  }
  const found = vectorOf(draft);
  if ('problem' in found) return found;
  return {
    operation: {
      kind,
      [VECTOR_OF[kind]]: found.vector,
      ...(kind === 'interpolate' && { share }),
      ...(kind === 'add' && { factor }),
    },
  };
}

function vectorOf({
  vector: kind,
  ...draft
}: InterveneDraft): { readonly vector: unknown } | { readonly problem: string } {
  const { token, minus, thought: step, problems, index } = draft;
  switch (kind) {
    case 'token':
      return token === '' ? { problem: 'Type the token.' } : { vector: { kind, token } };
    case 'difference':
      return token === '' || minus === ''
        ? { problem: 'Type both tokens.' }
        : { vector: { kind, plus: token, minus } };
    case 'thought': {
      const question = draft.question.trim();
      return { vector: { kind, step, ...(question !== '' && { question }) } };
    }
    case 'question':
    case 'prompt': {
      const question = draft.question.trim();
      return { vector: { kind, token: step, ...(question !== '' && { question }) } };
    }
    case 'mean':
      return { vector: { kind, problems } };
    case 'direction':
      return { vector: { kind, problems, index } };
    case 'values': {
      const values = draft.values.split(/[\s,;[\]]+/).filter((part) => part !== '');
      const numbers = values.map(Number);
      const wrong = values.find((_, i) => !Number.isFinite(numbers[i]));
      if (wrong !== undefined) return { problem: `“${wrong.slice(0, 20)}” is not a number.` };
      return values.length === 0 ? { problem: 'Paste the values.' } : { vector: { kind, values: numbers } };
    }
  }
}

/** The order of all K thoughts, or nothing for the reverse order. */
function permuted(order: string, K: number): Drafted {
  const words = order.split(/[\s,]+/).filter((part) => part !== '');
  const numbers = words.length === 0 ? Array.from({ length: K }, (_, i) => K - i) : words.map(Number);
  const isOrder =
    numbers.length === K && [...numbers].sort((a, b) => a - b).every((value, i) => value === i + 1);
  if (!isOrder) return refused(`Write each of 1 to ${K} once, as in ${K} … 1.`);
  const interventions = permutation(numbers);
  return interventions.length === 0
    ? refused('That is already their order.')
    : { interventions, problem: null };
}

/** Interventions written as text. */
export function draftedText(text: string): Drafted {
  try {
    const interventions = readInterventions(text);
    return interventions.length === 0
      ? refused('Write at least one, as in z2:zero.')
      : { interventions, problem: null };
  } catch (thrown) {
    if (!(thrown instanceof InterventionTextError)) throw thrown;
    return refused(thrown.message);
  }
}
