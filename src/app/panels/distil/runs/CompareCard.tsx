import { useMemo } from 'react';
import type { SavedRun } from '../../../../contract/saved-run';
import { listed } from '../../../../text/quote';
import { LineChart } from '../../../charts/LineChart';
import { circumstances, differences, runName } from '../../../store/run-names';
import { useActions, useApp, useTheme } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { DataTable } from '../../../ui/DataTable';
import { percent, significant } from '../../../ui/format';
import { Panel } from '../../../ui/Panel';
import { type ComparedChart, comparedCharts } from './compared';

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
          ...circumstances(runs).map(({ path, values }) => [path, ...values]),
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

/** What a chart shows: its last values or what they are of, and which runs have none. */
function summaryOf({ about, lines, missing, y: { format } }: ComparedChart): string {
  const text = (value: number) => (format === '%' ? percent(value) : significant(value));
  const last = lines.map(({ name, y }) => `${name}, ${text(y[y.length - 1] as number)}`).join('; ');
  const without = missing.length === 0 ? '' : ` Not recorded of ${listed(missing)}.`;
  return `${about ?? `Last values: ${last}.`}${without}`;
}

function Charts({ runs, names }: { readonly runs: readonly SavedRun[]; readonly names: readonly string[] }) {
  const theme = useTheme();
  const methods = useApp((state) => state.methods);
  const { charts, single } = useMemo(() => {
    const compared = runs.map(({ series, config }, i) => ({
      ...{ name: names[i] ?? '', method: config.method, series },
    }));
    return comparedCharts(compared, methods);
  }, [runs, names, methods]);
  return (
    <>
      <div className="columns-2">
        {charts.map((chart) => (
          <LineChart
            key={chart.title}
            title={chart.title}
            summary={summaryOf(chart)}
            series={chart.lines}
            x={chart.x}
            y={chart.y}
            {...(chart.scale && { scale: chart.scale })}
            theme={theme}
            height={240}
            fileName={`compared-${chart.title.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`}
          />
        ))}
      </div>
      {single.length > 0 && (
        <p className="help">
          Not drawn, because only one of these runs has it:{' '}
          {single.map(({ title, run }) => `${title} (${run})`).join('; ')}.
        </p>
      )}
    </>
  );
}
