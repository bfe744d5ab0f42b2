import type { LatentSession } from '../../contract/events';
import {
  MAX_FACTOR,
  MAX_MEAN_PROBLEMS,
  MAX_NAMED,
  STATE_SITES,
  TOKEN_SEGMENTS,
} from '../../contract/latents';
import { entriesFor, type FormEntries } from './form-link';
import {
  INTERVENE_KINDS,
  type InterveneDraft,
  initialIntervention,
  needsVector,
  VECTOR_KINDS,
} from './intervene-draft';
import { SEEDS, whole } from './whole';

/** The numbers of the form for interventions, what they may be, and all of its settings in a link. */

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
