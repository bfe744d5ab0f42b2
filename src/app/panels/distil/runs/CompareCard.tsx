import { useMemo } from 'react';
import type { SavedRun } from '../../../../contract/saved-run';
import { LineChart } from '../../../charts/LineChart';
import type { LineSeries } from '../../../charts/series';
import { differences, runName } from '../../../store/run-names';
import { useActions, useApp, useTheme } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { DataTable } from '../../../ui/DataTable';
import { percent, significant } from '../../../ui/format';
import { Panel } from '../../../ui/Panel';

/** Chosen runs side by side: the settings in which they differ, what came of them, and their curves in the same charts. */
export function CompareCard() {
  const compared = useApp((state) => state.compared);
  const saved = useApp((state) => state.saved);
  const methods = useApp((state) => state.methods);
  const { compareRun } = useActions();
  const runs = useMemo(
    () => compared.flatMap((id) => saved.find((run) => run.id === id) ?? []),
    [compared, saved],
  );
  const names = useMemo(() => distinct(runs.map((run) => runName(run, methods))), [runs, methods]);
  if (runs.length < 2)
    return runs.length === 0 ? null : (
      <p className="help">Choose a second kept run to compare {names[0]} with.</p>
    );
  const differ = differences(runs.map(({ config }) => config));
  return (
    <Panel
      title="Compared runs"
      about={
        differ.length === 0
          ? 'Their configurations are equal.'
          : `Their configurations differ in ${differ.length} ${differ.length === 1 ? 'setting' : 'settings'}; all others are equal.`
      }
      actions={
        <Button look="quiet" onPress={() => compared.forEach((id) => void compareRun(id, false))}>
          End the comparison
        </Button>
      }
    >
      <DataTable
        caption="Settings that differ, and results"
        columns={['', ...names]}
        rows={[
          ...differ.map(({ path, values }) => [path, ...values]),
          ['steps done', ...runs.map(({ series, result }) => result?.steps ?? series.step.at(-1) ?? 0)],
          ['last total loss', ...runs.map(({ series }) => finalLoss(series))],
          ['held-out accuracy', ...runs.map(({ result }) => accuracyText(result))],
        ]}
      />
      <Charts runs={runs} names={names} />
    </Panel>
  );
}

const finalLoss = ({ losses }: SavedRun['series']): string | null => {
  const last = losses.total?.at(-1);
  return last === undefined ? null : significant(last);
};

const accuracyText = (result: SavedRun['result']): string | null => {
  const share = result?.heldOut;
  return share ? `${percent(share.share)} (${percent(share.low)} to ${percent(share.high)})` : null;
};

/** Names that can be told apart in a legend. */
const distinct = (names: readonly string[]): readonly string[] =>
  names.map((name, i) =>
    names.indexOf(name) === names.lastIndexOf(name)
      ? name
      : `${name} (${names.slice(0, i).filter((other) => other === name).length + 1})`,
  );

type Curve = (series: SavedRun['series']) => { readonly x: readonly number[]; readonly y: readonly number[] };

/** What is drawn of every run: title, unit, curve. */
const CURVES: readonly {
  readonly title: string;
  readonly axis: string;
  readonly scale?: 'log';
  readonly format?: '%';
  readonly curve: Curve;
}[] = [
  {
    title: 'Total loss',
    axis: 'loss',
    scale: 'log',
    curve: ({ step, losses }) => ({ x: step, y: losses.total ?? [] }),
  },
  {
    title: 'Validation accuracy',
    axis: 'accuracy',
    format: '%',
    curve: ({ accuracy }) => {
      const found = accuracy.filter(({ set }) => set === 'validation');
      return { x: found.map(({ step }) => step), y: found.map((one) => one.accuracy.share) };
    },
  },
  {
    title: 'Gradient norm',
    axis: 'norm',
    scale: 'log',
    curve: ({ step, gradientNorm }) => ({ x: step, y: gradientNorm }),
  },
  {
    title: 'Learning rate',
    axis: 'learning rate',
    curve: ({ step, learningRate }) => ({ x: step, y: learningRate }),
  },
  {
    title: 'Effective rank of the latents',
    axis: 'rank',
    curve: ({ spectra }) => ({
      x: spectra.map(({ step }) => step),
      y: spectra.map(({ effectiveRank }) => effectiveRank),
    }),
  },
  {
    title: 'Mean cosine between latents',
    axis: 'mean cosine',
    curve: ({ spectra }) => ({ x: spectra.map(({ step }) => step), y: spectra.map(({ cosine }) => cosine) }),
  },
];

/** The last value of each run. */
const lastValues = (lines: readonly LineSeries[], text: (value: number) => string): string =>
  `Last values: ${lines
    .map(({ name, y }) => `${name}, ${y.length === 0 ? 'none' : text(y[y.length - 1] as number)}`)
    .join('; ')}.`;

function Charts({ runs, names }: { readonly runs: readonly SavedRun[]; readonly names: readonly string[] }) {
  const theme = useTheme();
  const charts = useMemo(
    () =>
      CURVES.map((chart) => ({
        ...chart,
        lines: runs.map(({ series }, i): LineSeries => ({ name: names[i] ?? '', ...chart.curve(series) })),
      })).filter(({ lines }) => lines.some(({ x }) => x.length > 0)),
    [runs, names],
  );
  return (
    <div className="columns-2">
      {charts.map(({ title, axis, scale, format, lines }) => (
        <LineChart
          key={title}
          title={title}
          summary={lastValues(lines, format === '%' ? percent : significant)}
          series={lines}
          x={{ label: 'step' }}
          y={{ label: axis, ...(format && { format, range: [0, 1] as const }) }}
          {...(scale && { scale })}
          theme={theme}
          height={240}
          fileName={`compared-${title.toLowerCase().replaceAll(' ', '-')}`}
        />
      ))}
    </div>
  );
}
