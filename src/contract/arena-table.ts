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
  'Reasoning (latents, tokens)',
  'Answer (ms)',
  'Right when it writes its rationale (%)',
  'Training (s)',
  'Teacher (s)',
  'Trained values',
  'Failed',
] as const;

/** A row a contender. */
export const rowsOf = (found: readonly Standing[]): (string | number | null)[][] =>
  found.map((one) => {
    const { kept, overSeeds: s, against } = one;
    return [
      one.name,
      kept ? `kept student, trained on seed ${kept.seed}` : (s?.n ?? 0),
      s && `${percent(s.median)}${within(s.medianInterval, (share) => (100 * share).toFixed(1))}`,
      kept ? null : s && `${percent(s.min)} to ${percent(s.max)}`,
      against
        ? `${points(against.difference)}${within(against.interval, points)}`
        : kept && s
          ? 'not compared'
          : null,
      against === null || against.p === null ? null : pValue(against.p),
      figure(one.reasoning),
      figure(one.answerMilliseconds),
      Number.isNaN(one.explicit) ? null : (100 * one.explicit).toFixed(1),
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

/** Those whose difference has a p: the comparisons that Holm's correction is for. */
const testedOf = (found: readonly Standing[]): readonly Standing[] =>
  found.filter(({ kept, against }) => !kept && against !== null);

/** What is established over seeds, and what is not. */
export function arenaSentence(arena: Arena, found: readonly Standing[] = standings(arena)): string {
  const tested = testedOf(found);
  const compared = tested.filter(({ against }) => against !== null && against.n > 1);
  if (compared.length === 0) return 'Nothing can be compared yet: a difference needs two seeds or more.';
  const isBeyond = (one: Standing) => (one.against?.p ?? 1) < ALPHA;
  const better = compared.filter((one) => isBeyond(one) && (one.against?.difference ?? 0) > 0);
  const worse = compared.filter((one) => isBeyond(one) && (one.against?.difference ?? 0) < 0);
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
    fewSeeds(seeds, tested.length),
  ]
    .filter(Boolean)
    .join(' ');
}

/** What the table’s columns are, and what it establishes. */
export function arenaNote(arena: Arena, found: readonly Standing[] = standings(arena)): string {
  const compared = testedOf(found).length;
  const problems = arena.runs.find(({ total }) => total !== undefined)?.total ?? 0;
  return [
    `Right answers to ${problems} held-out problems, the same in every run. Differences are from ${arena.baseline}, paired by seed; p is the exact sign-flip test over seeds, two-sided, corrected by Holm for ${compared === 1 ? '1 comparison' : `${compared} comparisons`}; intervals are 95 % percentile bootstrap intervals over seeds.`,
    arenaSentence(arena, found),
    keptSentence(arena, found),
  ]
    .filter(Boolean)
    .join(' ');
}

/** Why kept students stand without an interval, and which of them are not compared; nothing without any. */
export function keptSentence({ baseline }: Pick<Arena, 'baseline'>, found: readonly Standing[]): string {
  const kept = found.filter((one) => one.kept);
  if (kept.length === 0) return '';
  const apart = kept.filter(({ against, accuracy }) => against === null && accuracy.size > 0);
  const waiting = kept.filter(({ accuracy, failed }) => accuracy.size === 0 && failed.length === 0);
  const refused = kept.flatMap(({ name, failed }) => failed.map((run) => `${name} (${run.failed})`));
  return [
    'A kept student was trained before, on one seed: there is no interval over seeds and no test of it.',
    `Its difference is that from ${baseline} on the same seed.`,
    ...(apart.length > 0
      ? [
          `Not compared, since ${baseline} has no run on their seed among the arena’s seeds: ${apart.map(({ name, kept: one }) => `${name} (seed ${one?.seed})`).join(', ')}.`,
        ]
      : []),
    ...(waiting.length > 0 ? [`Not answered yet: ${waiting.map(({ name }) => name).join(', ')}.`] : []),
    ...(refused.length > 0 ? [`Not set beside the others: ${refused.join('; ')}.`] : []),
  ].join(' ');
}

/** The table as Markdown. @param note a sentence below it */
export const markdownOf = (found: readonly Standing[], note = ''): string =>
  [
    ...markdownRows(
      COLUMNS,
      rowsOf(found).map((row) => row.map((cell) => `${cell ?? '–'}`.replaceAll('|', '\\|'))),
    ),
    ...(note === '' ? [] : ['', note]),
    '',
  ].join('\n');
