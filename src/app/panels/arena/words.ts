import { type Arena, type Standing, standings } from '../../../contract/arena';
import { ALPHA } from '../../../contract/paired';
import { seedsNeeded } from '../../../contract/seeds';
import { markdownRows } from '../../../text/markdown';
import type { LineSeries } from '../../charts/series';
import { percent, points, pValue, significant } from '../../ui/format';

const figure = (value: number, digits = 3) => (Number.isFinite(value) ? significant(value, digits) : null);

/** ` [24.0, 36.5]`; nothing where there is no interval, as of one seed. */
const within = (
  interval: { readonly low: number; readonly high: number } | null | undefined,
  written: (share: number) => string,
): string => (interval ? ` [${written(interval.low)}, ${written(interval.high)}]` : '');

export const COLUMNS = [
  'Method',
  'Seeds',
  'Median [95 % interval]',
  'Lowest to highest',
  'Difference in points [95 % interval]',
  'p',
  'Thoughts',
  'Answer (ms)',
  'Training (s)',
  'Teacher (s)',
  'Trained values',
  'Failed',
] as const;

/** A row a contender. */
export const rowsOf = (found: readonly Standing[]): (string | number | null)[][] =>
  found.map((one) => {
    const { overSeeds: s, against } = one;
    return [
      one.name,
      s?.n ?? 0,
      s && `${percent(s.median)}${within(s.medianInterval, (share) => (100 * share).toFixed(1))}`,
      s && `${percent(s.min)} to ${percent(s.max)}`,
      against && `${points(against.difference)}${within(against.interval, points)}`,
      against && pValue(against.p),
      figure(one.thoughts),
      figure(one.answerMilliseconds),
      figure(one.trainSeconds),
      figure(one.teacherSeconds),
      figure(one.trainable, 6),
      one.failed.length,
    ];
  });

/** A point for every seed, in a strip for every contender, and its median. */
export function stripLines(found: readonly Standing[], seeds: readonly number[]): LineSeries[] {
  const middle = (seeds.length - 1) / 2;
  const spread = (i: number) => (seeds.length > 1 ? (0.5 * (i - middle)) / seeds.length : 0);
  const points = found.map((one, place): LineSeries => {
    const shown = seeds.flatMap((seed, i) => {
      const share = one.accuracy.get(seed);
      return share === undefined ? [] : [{ x: place + 1 + spread(i), share, seed }];
    });
    return {
      name: one.name,
      x: shown.map(({ x }) => x),
      y: shown.map(({ share }) => share),
      pointNames: shown.map(({ seed }) => `seed ${seed}`),
      points: true,
      look: { colour: place, marker: place },
      legend: false,
    };
  });
  const medians = found.flatMap((one, place): LineSeries[] =>
    one.overSeeds
      ? [
          {
            name: `${one.name}, median`,
            x: [place + 0.65, place + 1.35],
            y: [one.overSeeds.median, one.overSeeds.median],
            reference: true,
            legend: false,
            look: { dash: 0 },
          },
        ]
      : [],
  );
  return [...points, ...medians];
}

/** Where the test can establish nothing, because there are too few seeds for so many comparisons; else nothing. */
export function fewSeeds(seeds: number, comparisons: number): string {
  const needed = seedsNeeded(comparisons, ALPHA);
  return comparisons > 0 && seeds < needed
    ? `With ${seeds === 1 ? '1 seed' : `${seeds} seeds`} the test can establish no difference, however large: ${comparisons === 1 ? '1 comparison takes' : `${comparisons} comparisons take`} ${needed}.`
    : '';
}

/** Every contender's accuracy on every seed, a row for each seed. */
export const seedTable = (found: readonly Standing[], seeds: readonly number[]) => ({
  columns: ['seed', ...found.map(({ name }) => name)],
  rows: seeds.map((seed) => [seed, ...found.map(({ accuracy }) => accuracy.get(seed) ?? null)]),
});

/** What is established over seeds, and what is not. */
export function arenaSentence(arena: Arena, found: readonly Standing[] = standings(arena)): string {
  const compared = found.filter(({ against }) => against !== null && against.n > 1);
  if (compared.length === 0) return 'Nothing can be compared yet: a difference needs two seeds or more.';
  const better = compared.filter(({ against }) => against && against.p < ALPHA && against.difference > 0);
  const worse = compared.filter(({ against }) => against && against.p < ALPHA && against.difference < 0);
  const seeds = Math.max(...compared.map(({ against }) => against?.n ?? 0));
  const names = (some: readonly Standing[]) => some.map(({ name }) => name).join(', ');
  const open = compared.length - better.length - worse.length;
  return [
    better.length > 0 ? `Above ${arena.baseline} on the same seeds: ${names(better)}.` : '',
    worse.length > 0
      ? `${better.length > 0 ? 'Below it' : `Below ${arena.baseline} on the same seeds`}: ${names(worse)}.`
      : '',
    open > 0
      ? `For ${open} of ${compared.length} no difference from ${arena.baseline} is established with ${seeds} seeds.`
      : '',
    fewSeeds(seeds, compared.length),
  ]
    .filter(Boolean)
    .join(' ');
}

/** The table as Markdown. */
export const markdownOf = (found: readonly Standing[]): string =>
  [
    ...markdownRows(
      COLUMNS,
      rowsOf(found).map((row) => row.map((cell) => `${cell ?? '–'}`.replaceAll('|', '\\|'))),
    ),
    '',
  ].join('\n');

/** Every run, a row each, for other programs. */
export const runTable = ({ runs, axis }: Arena) => ({
  columns: [
    'method',
    'seed',
    'correct',
    'total',
    'accuracy',
    'train seconds',
    'teacher seconds',
    'trained values',
    'thoughts',
    'answer milliseconds',
    ...(axis?.places ? [axis.label] : []),
    'failed',
  ],
  rows: runs.map((run) => [
    run.name,
    run.seed,
    run.correct ?? null,
    run.total ?? null,
    run.correct !== undefined && run.total ? run.correct / run.total : null,
    run.trainSeconds ?? null,
    run.teacherSeconds ?? null,
    run.trainable ?? null,
    run.thoughts ?? null,
    run.answerMilliseconds ?? null,
    ...(axis?.places ? [axis.places[run.name] ?? null] : []),
    run.failed ?? null,
  ]),
});
