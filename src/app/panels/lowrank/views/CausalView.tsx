import { useMemo } from 'react';
import { DIRECTION_WORDS } from '../../../../contract/causal';
import {
  CAUSAL_DIRECTIONS,
  type CausalDirections,
  type CausalPoint,
  type CausalReport,
} from '../../../../contract/lens';
import { LineChart } from '../../../charts/LineChart';
import type { LineSeries } from '../../../charts/series';
import { mergePoints } from '../../../store/causal-draft';
import { writeLayers } from '../../../store/layers';
import { isBusy } from '../../../store/task';
import { useActions, useApp, useTheme } from '../../../store/use-app';
import { Button } from '../../../ui/Button';
import { duration } from '../../../ui/format';
import { Empty, Panel } from '../../../ui/Panel';
import { TaskStatus } from '../../shared/TaskStatus';
import { causalSentence } from '../causal-sentence';
import { CausalForm } from './CausalForm';
import { CausalTable } from './CausalTable';
import { RankReader } from './RankReader';

/** Whether the directions matter: the model answers with its hidden states projected onto r of them. */
export function CausalView() {
  const task = useApp((state) => state.lens.causal);
  const live = useApp((state) => state.lens.points);
  const outlived = useApp((state) => state.lens.outlived.causal);
  const { cancelCausal, runCausal } = useActions();
  const report = task.value;
  const points = useMemo(() => mergePoints(report?.points ?? [], live), [report, live]);
  return (
    <>
      <Panel
        title="Does it think in these directions?"
        about="While the model answers, its hidden states are projected onto r directions, and what it still gets right is counted. If few leading directions are enough where equally many random ones are not, these directions carry the answers; random directions that keep the same energy show how much of that is the energy alone."
      >
        <CausalForm />
      </Panel>
      <TaskStatus
        task={task}
        label={
          task.progress === null
            ? 'Preparing the causal test'
            : (PHASES[task.progress.phase] ?? 'Answering problems')
        }
        onCancel={cancelCausal}
        cancelLabel="Cancel the causal test"
        failed="The causal test stopped early; what was measured is kept"
      >
        <Button onPress={() => void runCausal()}>Try again</Button>
      </TaskStatus>
      {points.length > 0 ? (
        <Panel title="Accuracy against rank">
          {report && outlived && (
            <p className="lens-stale">
              <span aria-hidden="true">ℹ </span>This test is of {report.label} as it was before it was trained
              or opened again; a new test starts its own chart.
            </p>
          )}
          <CausalChart
            points={points}
            report={report}
            state={live.length === 0 ? 'whole' : isBusy(task) ? 'under way' : 'broken off'}
          />
          {report && live.length === 0 && <CausalTable report={report} />}
          {report && <RankReader points={points} hidden={report.hidden} canMeasure={!outlived} />}
        </Panel>
      ) : (
        !isBusy(task) && (
          <Empty>No test has been run yet. Run the causal test: points appear as they are measured.</Empty>
        )
      )}
    </>
  );
}

const PHASES: Readonly<Record<string, string>> = {
  states: 'Gathering hidden states for the directions',
  spectra: 'Finding the directions',
  compile: 'Compiling programs',
  load: 'Loading the pair first',
};

function CausalChart({
  points,
  report,
  state,
}: {
  readonly points: readonly CausalPoint[];
  readonly report: CausalReport | null;
  readonly state: 'whole' | 'under way' | 'broken off';
}) {
  const theme = useTheme();
  const series = useMemo(() => linesOf(points, report), [points, report]);
  return (
    <LineChart
      title="Accuracy against rank r"
      summary={
        report && state === 'whole'
          ? causalSentence({ ...report, points })
          : `${points.length} ${points.length === 1 ? 'point' : 'points'} ${state === 'under way' ? 'measured so far; the comparison with the whole model follows at the end' : 'measured before the test stopped; the whole model’s accuracy is not known'}.`
      }
      source={report ? sourceOf(report) : ''}
      series={series}
      scale="linear"
      x={{ label: 'rank r', column: 'rank' }}
      y={{ label: 'share right, with 95 % intervals over problems', format: '%', range: [0, 1.02] }}
      theme={theme}
      height={340}
      fileName="accuracy-by-rank"
    />
  );
}

function linesOf(points: readonly CausalPoint[], report: CausalReport | null): LineSeries[] {
  const line = (directions: CausalDirections, look: number): LineSeries[] => {
    const own = points.filter((point) => point.directions === directions);
    if (own.length === 0) return [];
    return [
      {
        name: DIRECTION_WORDS[directions],
        x: own.map(({ rank }) => rank),
        y: own.map(({ accuracy }) => accuracy.share),
        low: own.map(({ accuracy }) => accuracy.low),
        high: own.map(({ accuracy }) => accuracy.high),
        look: { colour: look, dash: look, marker: look },
        legend: true,
        ...(look === 0 && { weight: 'strong' as const }),
      },
    ];
  };
  const ranks = points.map(({ rank }) => rank);
  return [
    ...CAUSAL_DIRECTIONS.flatMap(line),
    ...(report
      ? [
          {
            name: 'the whole model',
            x: [Math.min(...ranks), Math.max(...ranks)],
            y: [report.whole.share, report.whole.share],
            reference: true,
            legend: true,
          },
        ]
      : []),
  ];
}

function sourceOf({ request, label, model, kernel, dtype, milliseconds }: CausalReport): string {
  const { problems, layers, positions, centre, samples, of, seed } = request;
  return [
    `${label} (${model})`,
    `held-out-0 to held-out-${problems - 1}`,
    `layers ${writeLayers(layers)}`,
    positions === 'all' ? 'the question’s positions too' : 'positions after the question',
    centre ? 'around the mean' : 'not centred',
    `directions of ${of === 'thoughts' ? 'the thoughts of ' : ''}${samples} training samples`,
    `kernel ${kernel}, ${dtype}`,
    `seed ${seed}`,
    duration(milliseconds),
  ].join(' · ');
}
