import type { Arena, Standing } from '../../../contract/arena';
import type { LineSeries } from '../../charts/series';
import type { ArenaCost } from '../../store/arena';
import { duration } from '../../ui/format';

/** A point for every seed, in a strip for every contender, and its median; a kept student has the point of its own seed, and no median. */
export function stripLines(found: readonly Standing[], seeds: readonly number[]): LineSeries[] {
  const middle = (seeds.length - 1) / 2;
  const spread = (i: number) => (seeds.length > 1 ? (0.5 * (i - middle)) / seeds.length : 0);
  const points = found.map((one, place): LineSeries => {
    const own = one.kept ? [one.kept.seed] : seeds;
    const shown = own.flatMap((seed, i) => {
      const share = one.accuracy.get(seed);
      return share === undefined ? [] : [{ x: place + 1 + (one.kept ? 0 : spread(i)), share, seed }];
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
    one.overSeeds && !one.kept
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

/** Every contender's accuracy on every seed, a row for each seed, those of kept students among them. */
export const seedTable = (found: readonly Standing[], seeds: readonly number[]) => ({
  columns: ['seed', ...found.map(({ name }) => name)],
  rows: withKeptSeeds(found, seeds).map((seed) => [
    seed,
    ...found.map(({ accuracy }) => accuracy.get(seed) ?? null),
  ]),
});

/** What runs take, in a sentence. */
export function costWords({ runs, seconds, measured, refused }: ArenaCost): string {
  if (refused !== null) return `A run of this arena would be refused: ${refused}`;
  if (seconds === null)
    return `${runs} runs are left; how long one takes on this GPU is not known before it runs.`;
  const by =
    measured === 0
      ? 'estimated from the number of operations'
      : measured === runs
        ? 'by the runs so far'
        : 'by the runs so far where there are any, else estimated from the number of operations';
  const each = duration((1000 * seconds) / runs);
  return `${runs} runs take about ${duration(1000 * seconds)}, ${each} each on average, evaluation included: ${by}.`;
}

/** Every run, a row each, for other programs. */
export const runTable = ({ runs, axis, kept = [] }: Arena) => ({
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
    'written tokens',
    'right when writing its rationale',
    'answer milliseconds',
    ...(axis?.places ? [axis.label] : []),
    ...(kept.length > 0 ? ['kept run'] : []),
    ...(hasStorage(runs) ? ['base’s matrices'] : []),
    'held-out problems (hash)',
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
    run.written ?? null,
    run.explicit ?? null,
    run.answerMilliseconds ?? null,
    ...(axis?.places ? [axis.places[run.name] ?? null] : []),
    ...(kept.length > 0 ? [kept.find(({ name }) => name === run.name)?.run ?? null] : []),
    ...(hasStorage(runs) ? [run.storage ?? null] : []),
    run.problems ?? null,
    run.failed ?? null,
  ]),
});

const hasStorage = (runs: Arena['runs']): boolean => runs.some(({ storage }) => storage !== undefined);

/** The seeds of the plan and of the kept students that answered, ascending where there are others. */
function withKeptSeeds(found: readonly Standing[], seeds: readonly number[]): readonly number[] {
  const others = found.flatMap(({ kept, accuracy }) =>
    kept && accuracy.size > 0 && !seeds.includes(kept.seed) ? [kept.seed] : [],
  );
  return others.length === 0 ? seeds : [...new Set([...seeds, ...others])].sort((a, b) => a - b);
}
