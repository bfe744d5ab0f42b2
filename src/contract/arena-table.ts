import { percent, points, pValue, significant } from '../text/figures';
import { markdownRows } from '../text/markdown';
import { type Arena, type Standing, standings } from './arena';
import { ALPHA } from './paired';
import { seedsNeeded } from './seeds';

/** The Arena's table and what it says, the same in the page, in its files and on the command line. */

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

/** Where the test can establish nothing, because there are too few seeds for so many comparisons; else nothing. */
export function fewSeeds(seeds: number, comparisons: number): string {
  const needed = seedsNeeded(comparisons, ALPHA);
  return comparisons > 0 && seeds < needed
    ? `With ${seeds === 1 ? '1 seed' : `${seeds} seeds`} the test can establish no difference, however large: ${comparisons === 1 ? '1 comparison takes' : `${comparisons} comparisons take`} ${needed}.`
    : '';
}

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
