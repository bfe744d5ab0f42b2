import { useMemo } from 'react';
import { LineChart } from '../../charts/LineChart';
import type { LineSeries } from '../../charts/series';
import { SHARES } from '../../charts/table';
import type { RunState } from '../../store/run';
import { useApp, useTheme } from '../../store/use-app';
import { percent, significant } from '../../ui/format';
import { lossLines } from './loss-lines';
import { ObservationCharts } from './ObservationCharts';
import { ReinforcementCharts } from './ReinforcementCharts';
import { StageTable } from './StageTable';
import { marksOf, stagesOfRun } from './stages';

/** The curves of a run, as they come in. */
export function RunCharts({
  run,
}: {
  readonly run: Pick<RunState, 'id' | 'series' | 'result' | 'config' | 'drawnSteps' | 'data'>;
}) {
  const theme = useTheme();
  const methods = useApp((state) => state.methods);
  const { series, result } = run;
  const method = run.config?.method ?? null;
  const { step, losses, learningRate, gradientNorm } = series;

  const lines = useMemo(() => lossLines({ step, losses }, method, methods), [step, losses, method, methods]);
  const rateLines = useMemo<LineSeries[]>(
    () => [{ name: 'learning rate', x: step, y: learningRate }],
    [step, learningRate],
  );
  const normLines = useMemo<LineSeries[]>(
    () => [{ name: 'gradient norm', x: step, y: gradientNorm }],
    [step, gradientNorm],
  );
  const measured = series.accuracy.filter(({ set }) => set === 'validation');
  const accuracyLines = useMemo<LineSeries[]>(() => {
    const found = series.accuracy.filter(({ set }) => set === 'validation');
    const lines: LineSeries[] = [
      {
        name: 'student, validation',
        x: found.map((event) => event.step),
        y: found.map(({ accuracy }) => accuracy.share),
        low: found.map(({ accuracy }) => accuracy.low),
        high: found.map(({ accuracy }) => accuracy.high),
      },
    ];
    if (result?.teacher && found.length > 0) {
      lines.push({
        name: 'teacher, explicit',
        x: [found[0]!.step, found.at(-1)!.step],
        y: [result.teacher.share, result.teacher.share],
        reference: true,
      });
    }
    return lines;
  }, [series.accuracy, result]);

  const stages = useMemo(() => stagesOfRun(run.config, methods), [run.config, methods]);
  const marks = useMemo(() => marksOf(stages, step.at(-1) ?? 0), [stages, step]);

  const total = losses.total ?? [];
  const last = measured.at(-1);
  const stepAxis = { label: 'step' };
  return (
    <>
      <div className="columns-2">
        <LineChart
          title="Loss terms"
          summary={
            total.length === 0
              ? 'No step yet.'
              : `The total went from ${significant(total[0]!)} to ${significant(total.at(-1)!)} in ${step.at(-1)} steps. Each term is drawn with its weight.`
          }
          series={lines}
          x={stepAxis}
          y={{ label: 'loss' }}
          scale="log"
          theme={theme}
          // On a narrow page each term has a line of the legend.
          height={280 + 20 * Math.max(0, lines.length - 3)}
          marks={marks}
          fileName="losses"
        />
        <LineChart
          title="Validation accuracy"
          summary={
            last
              ? `${percent(last.accuracy.share)} at step ${last.step} (95 % interval over ${last.accuracy.total} problems of this run, not over seeds: ${percent(last.accuracy.low)} to ${percent(last.accuracy.high)}).`
              : 'Not measured yet.'
          }
          series={accuracyLines}
          x={stepAxis}
          y={{ label: 'accuracy', format: '%', range: SHARES }}
          theme={theme}
          marks={marks}
          fileName="accuracy"
        />
        <LineChart
          title="Gradient norm"
          summary={
            gradientNorm.length === 0
              ? 'No step yet.'
              : `Before clipping; ${significant(gradientNorm.at(-1)!)} at the last step.`
          }
          series={normLines}
          x={stepAxis}
          y={{ label: 'norm' }}
          scale="log"
          theme={theme}
          marks={marks}
          height={220}
          fileName="gradient-norm"
        />
        <LineChart
          title="Learning rate"
          summary={
            learningRate.length === 0
              ? 'No step yet.'
              : `${significant(learningRate.at(-1)!)} at the last step.`
          }
          series={rateLines}
          x={stepAxis}
          y={{ label: 'learning rate' }}
          theme={theme}
          marks={marks}
          height={220}
          fileName="learning-rate"
        />
      </div>
      <StageTable stages={stages} accuracy={measured} done={step.at(-1) ?? 0} />
      <ReinforcementCharts run={run} marks={marks} />
      <ObservationCharts
        marks={marks}
        spectra={series.spectra}
        samples={run.config?.observation.samples ?? null}
      />
    </>
  );
}
