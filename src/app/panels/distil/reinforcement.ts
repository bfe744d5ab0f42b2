import type { DrawnGroup, EvaluationEvent } from '../../../contract/events';
import { meanLength } from '../../../contract/lengths';
import type { RunSeries } from '../../../contract/series-schema';
import type { LineSeries } from '../../charts/series';

/** What is drawn of a run that draws answers from its student, and of one that stops reasoning by itself. */

export const lengthLines = (drawn: RunSeries['drawn']): LineSeries[] => [
  line('all drawn answers', drawn, ({ length }) => length),
  line('right ones', drawn, ({ rightLength }) => rightLength),
];

export const rewardLines = (drawn: RunSeries['drawn']): LineSeries[] => [
  line('right', drawn, ({ right }) => right),
  line('badly formatted', drawn, ({ formatted }) => formatted - 1),
  line('relative length', drawn, ({ lengthReward }) => lengthReward),
];

type Drawn = RunSeries['drawn'][number];
const line = (name: string, drawn: readonly Drawn[], of: (one: Drawn) => number): LineSeries => ({
  name,
  x: drawn.map(({ step }) => step),
  y: drawn.map(of),
});

/** Reward of each answer over its reasoning tokens, a series for each question, with the terms in words. */
export const groupPoints = (groups: readonly DrawnGroup[]): LineSeries[] =>
  groups.map(({ completions }, q) => ({
    name: `question ${q + 1}`,
    points: true,
    x: completions.map(({ length }) => length),
    y: completions.map(({ reward: { format, correct, length } }) => format + correct + length),
  }));

/** Unit of a reasoning's length. */
export const TOKENS = 'reasoning tokens';

export const GROUP_COLUMNS = [
  ...['question', 'answer', TOKENS],
  ...['format', 'right', 'relative length', 'advantage'],
];

/** One row for each drawn answer: question, text, length, terms of the reward, advantage. */
export const groupRows = (groups: readonly DrawnGroup[]): (string | number)[][] =>
  groups.flatMap(({ completions }, q) =>
    completions.map(({ text, length, reward, advantage }) => [
      q + 1,
      text.trim() === '' ? '(nothing)' : text.trim(),
      length,
      reward.format,
      reward.correct,
      Number(reward.length.toPrecision(3)),
      Number(advantage.toPrecision(3)),
    ]),
  );

/**
 * A histogram of problems by reasoning tokens, of right ones and of wrong ones, with 0 at every length between that none has; and the share
 * of right ones at each length that some have.
 */
export function lengthHistogram(lengths: NonNullable<EvaluationEvent['lengths']>) {
  const seen = lengths.map(({ length }) => length);
  const [shortest, longest] = [Math.min(...seen), Math.max(...seen)];
  const x = Array.from({ length: longest - shortest + 3 }, (_, i) => shortest - 1 + i);
  const at = new Map(lengths.map((one) => [one.length, one]));
  const counted = (of: 'right' | 'wrong'): LineSeries => ({
    ...{ name: of, x, steps: true },
    y: x.map((length) => at.get(length)?.[of] ?? 0),
  });
  const share: LineSeries[] = [
    {
      name: 'share of right answers',
      points: true,
      x: seen,
      y: lengths.map(({ right, wrong }) => right / (right + wrong)),
    },
  ];
  return { counts: [counted('right'), counted('wrong')], share };
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
