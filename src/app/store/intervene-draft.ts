import type { LatentSession } from '../../contract/events';
import { InterventionTextError, readInterventions } from '../../contract/intervention-text';
import {
  type Intervention,
  intervention,
  MAX_FACTOR,
  MAX_MEAN_PROBLEMS,
  MAX_NAMED,
  type Operation,
  type Place,
  permutation,
  STATE_SITES,
  type StateSite,
  TOKEN_SEGMENTS,
  type TokenSegment,
  type Vector,
} from '../../contract/latents';
import { entriesFor, type FormEntries } from './form-link';
import { SEEDS, whole } from './whole';

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
const VECTOR_KINDS: readonly InterveneDraft['vector'][] = [
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

/** Sizes of the open model and question. */
export interface InterveneSizes {
  readonly layers: number;
  readonly hidden: number;
  /** How many positions of each kind there are. */
  readonly positions: Readonly<Record<InterveneDraft['of'], number>>;
}
const ANY_SIZE: InterveneSizes = {
  ...{ layers: MAX_NAMED, hidden: MAX_NAMED },
  positions: { thought: MAX_NAMED, question: MAX_NAMED, prompt: MAX_NAMED },
};

export const sizesOf = ({
  latentSteps,
  layers,
  hidden,
  tokens,
  prompt,
}: Pick<LatentSession, 'latentSteps' | 'layers' | 'hidden' | 'tokens' | 'prompt'>): InterveneSizes => ({
  ...{ layers, hidden },
  positions: { thought: latentSteps, question: tokens.length, prompt: prompt.length },
});

export type InterveneNumber =
  | 'step'
  | 'seed'
  | 'factor'
  | 'share'
  | 'layer'
  | 'rank'
  | 'problems'
  | 'index'
  | 'thought';

/** What its numbers may be; of several meanings of a field, the one that the draft gives it. */
export const interveneRanges = (
  { of, kind, vector }: Pick<InterveneDraft, 'of' | 'kind' | 'vector'>,
  { layers, hidden, positions }: InterveneSizes = ANY_SIZE,
): Readonly<Record<InterveneNumber, readonly [low: number, high: number]>> => ({
  step: [1, positions[of]],
  seed: SEEDS,
  factor: [-MAX_FACTOR, MAX_FACTOR],
  share: [-MAX_FACTOR, MAX_FACTOR],
  layer: [1, layers],
  rank: [0, hidden],
  problems: [needsVector(kind) && vector === 'direction' ? 2 : 1, MAX_MEAN_PROBLEMS],
  index: [1, hidden],
  // Of another question there may be more tokens than of this one.
  thought: [1, vector === 'thought' || vector === 'prompt' ? positions[vector] : MAX_NAMED],
});

/** The numbers that are asked for. */
function numbersOf({ kind, vector, site }: InterveneDraft): readonly InterveneNumber[] {
  if (kind === 'permute') return [];
  const ofVector: Partial<Record<InterveneDraft['vector'], readonly InterveneNumber[]>> = {
    ...{ thought: ['thought'], question: ['thought'], prompt: ['thought'] },
    ...{ mean: ['problems'], direction: ['problems', 'index'] },
  };
  const ofKind: Partial<Record<InterveneDraft['kind'], readonly InterveneNumber[]>> = {
    ...{ noise: ['seed'], scale: ['factor'], add: ['factor'], interpolate: ['share'] },
    project: ['rank', 'problems'],
  };
  return [
    'step',
    ...(site === 'latent' ? [] : (['layer'] as const)),
    ...(ofKind[kind] ?? []),
    ...(needsVector(kind) ? (ofVector[vector] ?? []) : []),
  ];
}

/** What is wrong with its numbers, by field. */
export function interveneErrors(
  draft: InterveneDraft,
  sizes: InterveneSizes,
): ReadonlyMap<InterveneNumber, string> {
  const errors = new Map<InterveneNumber, string>();
  const ranges = interveneRanges(draft, sizes);
  for (const field of numbersOf(draft)) {
    const [low, high] = ranges[field];
    const value = draft[field];
    const error =
      field !== 'factor' && field !== 'share'
        ? whole(value, low, high)
        : value >= low && value <= high
          ? null
          : `Choose a number from ${low} to ${high}.`;
    if (error !== null) errors.set(field, error);
  }
  return errors;
}

const of = entriesFor<InterveneDraft>();
const ranges = interveneRanges(initialIntervention);

export const interveneEntries: FormEntries<InterveneDraft> = {
  'try-kind': of.oneOf('kind', INTERVENE_KINDS),
  'try-of': of.oneOf('of', ['thought', ...TOKEN_SEGMENTS]),
  'try-step': of.choice('step', ranges.step),
  'try-site': of.oneOf('site', ['latent', ...STATE_SITES]),
  'try-layer': of.count('layer', ranges.layer),
  'try-seed': of.count('seed', ranges.seed),
  'try-factor': of.number('factor', ranges.factor),
  'try-share': of.number('share', ranges.share),
  'try-rank': of.count('rank', ranges.rank),
  'try-problems': of.count('problems', ranges.problems),
  'try-centre': of.check('centre'),
  'try-keep': of.oneOf('keep', ['inside', 'outside']),
  'try-vector': of.oneOf('vector', VECTOR_KINDS),
  'try-token': of.text('token'),
  'try-minus': of.text('minus'),
  'try-thought': of.count('thought', ranges.thought),
  'try-question': of.text('question'),
  'try-index': of.count('index', ranges.index),
  'try-values': of.text('values'),
  'try-order': of.text('order'),
  'try-text': of.text('text'),
};

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
