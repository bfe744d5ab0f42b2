import type { DrawnGroup, EvaluationEvent, GroupsEvent, LengthCount } from '../../../contract/events';
import { meanLength } from '../../../contract/lengths';
import type { RunSeries } from '../../../contract/series-schema';
import type { LineSeries } from '../../charts/series';
import type { DrawnSteps } from '../../store/drawn-steps';
import { integer } from '../../ui/format';
import { counted, lengthsAround, TOKENS } from '../shared/lengths';

/** What is drawn of a run that draws answers from its student, and of one that stops reasoning by itself. */

export const lengthLines = (drawn: RunSeries['drawn']): LineSeries[] => [
  line('all drawn answers', drawn, ({ length }) => length),
  line('right ones', drawn, ({ rightLength }) => rightLength),
];

export const rewardLines = (drawn: RunSeries['drawn']): LineSeries[] => [
  line('right', drawn, ({ right }) => right),
  line('badly formatted', drawn, ({ formatted }) => formatted - 1),
  // Relative lengths add up to 0 but for rounding.
  line('relative length', drawn, ({ lengthReward }) => (Math.abs(lengthReward) < 1e-12 ? 0 : lengthReward)),
];

type Drawn = RunSeries['drawn'][number];
const line = (name: string, drawn: readonly Drawn[], of: (one: Drawn) => number): LineSeries => ({
  name,
  x: drawn.map(({ step }) => step),
  y: drawn.map(of),
});

/** How far from their number of tokens answers of equal length and reward stand at most. */
const ASIDE = 0.35;

/** Reward of each answer over its reasoning tokens, a series for each question; of equal ones none hides another. */
export function groupPoints(groups: readonly DrawnGroup[]): LineSeries[] {
  const placeOf = ({ length, reward }: DrawnGroup['completions'][number]) => ({
    x: length,
    y: reward.format + reward.correct + reward.length,
  });
  const places = groups.map(({ completions }) => completions.map(placeOf));
  const total = new Map<string, number>();
  const keyOf = ({ x, y }: { readonly x: number; readonly y: number }) => `${x} ${y}`;
  for (const place of places.flat()) total.set(keyOf(place), (total.get(keyOf(place)) ?? 0) + 1);
  const met = new Map<string, number>();
  const aside = (place: { readonly x: number; readonly y: number }): number => {
    const [key, of] = [keyOf(place), total.get(keyOf(place)) as number];
    const nth = met.get(key) ?? 0;
    met.set(key, nth + 1);
    const apart = Math.min(0.1, (2 * ASIDE) / Math.max(1, of - 1));
    return place.x + apart * (nth - (of - 1) / 2);
  };
  return places.map((own, q) => ({
    name: `question ${q + 1}`,
    points: true,
    x: own.map(aside),
    y: own.map(({ y }) => y),
  }));
}

export const GROUP_COLUMNS = [
  ...['step', 'question', 'sample', 'answer', TOKENS],
  ...['format', 'right', 'relative length', 'advantage'],
];

/**
 * One row for each answer drawn at a step: step, question and its sample, text, length, terms of the reward, advantage.
 * @param samples ids of the run's training samples; without them a sample is its number, from 1
 */
export const groupRows = (
  { step, groups }: Pick<GroupsEvent, 'step' | 'groups'>,
  samples: readonly string[] = [],
): (string | number)[][] =>
  groups.flatMap(({ sample, completions }, q) =>
    completions.map(({ text, length, reward, advantage }) => [
      ...[step, q + 1, samples[sample] ?? sample + 1],
      text.trim() === '' ? '(nothing)' : text.trim(),
      length,
      reward.format,
      reward.correct,
      Number(reward.length.toPrecision(3)),
      Number(advantage.toPrecision(3)),
    ]),
  );

/** The kept step that is shown: the chosen one, or of those before it the last, if it is kept no longer; without a choice the last. */
export const shownStep = ({ kept }: DrawnSteps, chosen: number | null): number =>
  chosen === null
    ? kept.length - 1
    : Math.max(
        0,
        kept.findLastIndex(({ event }) => event.step <= chosen),
      );

/** What is kept of the drawn answers, in a sentence. */
export function keptStepsSentence({ every, count, kept }: DrawnSteps): string {
  const which =
    kept.length === count
      ? `all ${integer(count)} steps that drew any`
      : `one in ${integer(every)} of the ${integer(count)} steps that drew any, and the last`;
  return `Answers are kept, until the page is closed or another run is shown, of ${which}; the CSV file has all of these.`;
}

type WithLengths = Pick<EvaluationEvent, 'step' | 'set' | 'accuracy'> &
  Required<Pick<EvaluationEvent, 'lengths'>>;

/**
 * The last evaluations on the validation problems before answers were drawn and since then, and how many of the problems took each
 * number of reasoning tokens; null where there are not both.
 */
export function aroundReinforcement(
  accuracy: readonly Pick<EvaluationEvent, 'step' | 'set' | 'accuracy' | 'lengths'>[],
  drawn: readonly { readonly step: number }[],
) {
  const [first] = drawn;
  if (!first) return null;
  const found = accuracy.filter(
    (one): one is WithLengths => one.set === 'validation' && (one.lengths?.length ?? 0) > 0,
  );
  // An evaluation is of the student after its step.
  const before = found.findLast(({ step }) => step < first.step);
  const after = found.findLast(({ step }) => step >= first.step);
  if (!before || !after) return null;
  const x = lengthsAround([before, after].flatMap(({ lengths }) => lengths.map(({ length }) => length)));
  const all = ({ right, wrong }: LengthCount): number => right + wrong;
  const counts = [
    counted(`before, step ${before.step}`, x, before.lengths, all),
    counted(`after, step ${after.step}`, x, after.lengths, all),
  ];
  return { before, after, counts };
}

/** Accuracy over mean length of each evaluation, in the order of training. */
export function accuracyByLength(
  accuracy: readonly Pick<EvaluationEvent, 'set' | 'accuracy' | 'lengths'>[],
): LineSeries[] {
  const found = accuracy.filter(({ set, lengths }) => set === 'validation' && lengths);
  return [
    {
      name: 'evaluations, first to last',
      x: found.map(({ lengths = [] }) => meanLength(lengths)),
      y: found.map(({ accuracy: one }) => one.share),
    },
  ];
}
