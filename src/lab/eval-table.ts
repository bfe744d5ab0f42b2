import { writeSeeds } from '../contract/arena';
import { ENOUGH_SEEDS, type PairedSummary, type SeedSummary } from '../contract/seeds';
import { type Interval, RESAMPLES } from '../contract/statistics';
import { markdownRows } from '../text/markdown';

export interface EvalSummary {
  readonly seeds: readonly number[];
  /** Held-out problems per run. */
  readonly problems: number;
  readonly teacher: number | null;
  readonly methods: readonly {
    readonly name: string;
    readonly accuracy: Readonly<Record<string, number>>;
    readonly failed: readonly { readonly seed: number; readonly failed?: string | undefined }[];
    readonly overSeeds: SeedSummary | null;
    readonly differences: readonly (PairedSummary & { readonly from: string })[];
  }[];
}

/**
 * The evaluation as Markdown: accuracies in %, differences in percentage points, and how the intervals were
 * computed.
 */
export function evalTable({ seeds, problems, teacher, methods }: EvalSummary): string {
  const head = [
    'method (preset)',
    'seeds',
    'median [95 %]',
    'mean [95 %]',
    'sd',
    'min to max',
    'by seed',
    'difference by seed [95 %]',
  ];
  const rows = methods.map(({ name, accuracy, failed, overSeeds: s, differences }) => [
    `\`${name}\``,
    `${s?.n ?? 0}${failed.length > 0 ? ` (${failed.length} diverged: ${failed.map((run) => run.seed).join(', ')})` : ''}`,
    s ? `${points(s.median)}${range(s.medianInterval)}` : '–',
    s ? `${points(s.mean)}${range(s.meanInterval)}` : '–',
    s && s.n > 1 ? points(s.sd) : '–',
    s ? `${points(s.min)} to ${points(s.max)}` : '–',
    bySeed(accuracy),
    differences
      .map(
        (d) =>
          `${signed(d.difference)}${range(d.interval, signed)} from \`${d.from}\` (higher on ${d.higher} of ${d.n})`,
      )
      .join('; ') || '–',
  ]);
  const explicit = [
    'explicit chain of thought, the teacher',
    'one model',
    teacher === null ? '–' : points(teacher),
  ];
  const teachers = [...explicit, ...head.slice(explicit.length).map(() => '–')];
  const lines = markdownRows(head, [teachers, ...rows]);
  return [...lines, '', ...notes(seeds, problems)].join('\n');
}

const notes = (seeds: readonly number[], problems: number): string[] => [
  `Accuracy in % on ${problems} held-out problems, the same in every run; seeds ${seedRanges(seeds)}. The unit is the seed, never the problem: brackets are 95 % percentile bootstrap intervals over seeds (${RESAMPLES.toLocaleString('en')} resamples), of differences paired by seed. With ten seeds such an interval covers about 89 % of the time, with five 84 %: it is somewhat too narrow.`,
  ...(seeds.length < ENOUGH_SEEDS
    ? [
        `Only ${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'}: ${ENOUGH_SEEDS} or more are recommended.`,
      ]
    : []),
];

const points = (share: number): string => (100 * share).toFixed(1);
const signed = (share: number): string => `${share > 0 ? '+' : ''}${points(share)}`.replace('-', '−');
const range = (interval: Interval | null, text = points): string =>
  interval ? ` [${text(interval.low)}, ${text(interval.high)}]` : '';
const bySeed = (accuracy: Readonly<Record<string, number>>): string =>
  Object.entries(accuracy)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, share]) => points(share))
    .join(', ') || '–';

/** `100–109, 115`. */
export const seedRanges = (seeds: readonly number[]): string => writeSeeds(seeds).replaceAll('-', '–');
