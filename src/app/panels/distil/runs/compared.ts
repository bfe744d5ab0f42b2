import { TOTAL } from '../../../../contract/methods/index';
import type { Methods } from '../../../../contract/methods/method';
import type { RunSeries } from '../../../../contract/series-schema';
import type { Axis, LineSeries } from '../../../charts/series';
import { SHARES } from '../../../charts/table';
import { lengthHistogram, TOKENS } from '../../shared/lengths';
import { lossLines } from '../loss-lines';
import { cosineLines, rankLines } from '../observation';
import { accuracyByLength, lengthLines, rewardLines } from '../reinforcement';

/** What is drawn of several runs in the same charts: each line of a run's own charts has a chart, with a line of each run. */

export interface ComparedRun {
  readonly name: string;
  readonly method: string;
  readonly series: RunSeries;
}

export interface ComparedChart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly scale?: 'log';
  /** What the lines show; without it, their last values are said. */
  readonly about?: string;
  /** A line of each run that has it, under the run's name; a run has the same look in every chart. */
  readonly lines: readonly LineSeries[];
  /** Names of the runs that do not have it. */
  readonly missing: readonly string[];
}

/** Lines of a run's own charts, and how they are shown. */
interface Source extends Pick<ComparedChart, 'x' | 'y' | 'scale' | 'about'> {
  /** Title of the chart of a line. */
  readonly title: (line: string) => string;
  readonly lines: (run: ComparedRun, methods: Methods) => readonly LineSeries[];
}

const STEP: Axis = { label: 'step' };
const LENGTH: Axis = { label: TOKENS, step: 1 };
const SHARE: Axis = { label: 'accuracy', format: '%', range: SHARES };
const OF_LAST = 'Of each run’s last evaluation.';

const one = (name: string, x: readonly number[], y: readonly number[]): LineSeries[] => [{ name, x, y }];

/** The lengths of the last evaluation of a student that stops by itself, as `reinforcement` draws them. */
const lastLengths = ({ accuracy }: RunSeries): ReturnType<typeof lengthHistogram> | null => {
  const last = accuracy.findLast(({ lengths }) => lengths && lengths.length > 0);
  return last?.lengths ? lengthHistogram(last.lengths) : null;
};

const SOURCES: readonly Source[] = [
  {
    title: (line) => (line === TOTAL.label ? 'Total loss' : `Loss term: ${line}`),
    ...{ x: STEP, y: { label: 'loss' }, scale: 'log' },
    lines: ({ series, method }, methods) => lossLines(series, method, methods),
  },
  {
    title: () => 'Validation accuracy',
    ...{ x: STEP, y: SHARE },
    lines({ series }) {
      const found = series.accuracy.filter(({ set }) => set === 'validation');
      return one(
        'accuracy',
        found.map(({ step }) => step),
        found.map(({ accuracy }) => accuracy.share),
      );
    },
  },
  {
    title: () => 'Gradient norm',
    ...{ x: STEP, y: { label: 'norm' }, scale: 'log' },
    lines: ({ series: { step, gradientNorm } }) => one('norm', step, gradientNorm),
  },
  {
    title: () => 'Learning rate',
    ...{ x: STEP, y: { label: 'learning rate' } },
    lines: ({ series: { step, learningRate } }) => one('learning rate', step, learningRate),
  },
  {
    title: (line) => `Latents: ${line}`,
    ...{ x: STEP, y: { label: 'rank' } },
    lines: ({ series }) => rankLines(series.spectra),
  },
  {
    title: () => 'Mean cosine between latents',
    ...{ x: STEP, y: { label: 'mean cosine' } },
    lines: ({ series }) => cosineLines(series.spectra),
  },
  {
    title: (line) => `Problems by length, ${line}`,
    ...{ x: LENGTH, y: { label: 'problems' }, about: OF_LAST },
    lines: ({ series }) => lastLengths(series)?.counts.map(({ name, x, y }) => ({ name, x, y })) ?? [],
  },
  {
    title: () => 'Accuracy by length',
    ...{ x: LENGTH, y: SHARE, about: OF_LAST },
    lines: ({ series }) => lastLengths(series)?.share ?? [],
  },
  {
    title: () => 'Accuracy against mean length',
    ...{ x: { label: `mean ${TOKENS}` }, y: SHARE },
    about: 'One point for each evaluation, joined in the order of training.',
    lines: ({ series }) => accuracyByLength(series.accuracy),
  },
  {
    title: (line) => `Length of drawn answers: ${line}`,
    ...{ x: STEP, y: { label: TOKENS } },
    lines: ({ series }) => lengthLines(series.drawn),
  },
  {
    title: (line) => `Reward: ${line}`,
    ...{ x: STEP, y: { label: 'reward' } },
    lines: ({ series }) => rewardLines(series.drawn),
  },
];

const hasValues = ({ y }: LineSeries): boolean => Array.from(y).some(Number.isFinite);

/**
 * The charts for which at least two of the runs have data, in the order of a run's own charts.
 * @returns also those that only one has: their titles, and the run's name
 */
export function comparedCharts(
  runs: readonly ComparedRun[],
  methods: Methods,
): {
  readonly charts: readonly ComparedChart[];
  readonly single: readonly { readonly title: string; readonly run: string }[];
} {
  const all = SOURCES.flatMap(({ title, lines: linesOf, ...shown }) => {
    const own = runs.map((run) => linesOf(run, methods).filter(hasValues));
    const names = [...new Set(own.flatMap((lines) => lines.map(({ name }) => name)))];
    return names.map((line): ComparedChart => {
      const lines = runs.flatMap(({ name }, i): LineSeries[] => {
        const found = own[i]?.find((one) => one.name === line);
        if (!found) return [];
        const { weight: _, ...drawn } = found;
        return [{ ...drawn, name, look: { colour: i, dash: i, marker: i } }];
      });
      const missing = runs.map(({ name }) => name).filter((name) => !lines.some((one) => one.name === name));
      return { ...shown, title: title(line), lines, missing };
    });
  });
  return {
    charts: all.filter(({ lines }) => lines.length > 1),
    single: all.flatMap(({ title, lines: [only, ...more] }) =>
      only && more.length === 0 ? [{ title, run: only.name }] : [],
    ),
  };
}
