import { useMemo } from 'react';
import { LineChart } from '../charts/LineChart';
import type { LineSeries } from '../charts/series';
import { AnswerView } from '../panels/latents/AnswerView';
import { ThoughtRow } from '../panels/latents/ThoughtRow';
import { spectrumLines } from '../panels/lowrank/lines';
import { sourceOf } from '../panels/lowrank/provenance';
import { cumulativeSentence } from '../panels/lowrank/sentences';
import { madeThoughts } from '../store/thoughts';
import { useActions, useApp, useTheme } from '../store/use-app';
import { Button } from '../ui/Button';
import { significant } from '../ui/format';

const HEIGHT = 260;

/** Figure 6: cumulative singular values of the teacher's rationales. */
export function SpectraFigure() {
  const theme = useTheme();
  const { goTo } = useActions();
  const report = useApp((state) => state.lens.report.value);
  const series = useMemo(
    () =>
      report
        ? spectrumLines(
            report,
            (s) => s.cumulative,
            (bands) => bands.cumulative,
          )
        : [],
    [report],
  );
  if (!report) return null;
  return (
    <>
      <LineChart
        title="Cumulative singular values"
        summary={cumulativeSentence(report)}
        source={sourceOf(report)}
        series={series}
        x={{ label: 'rank r', column: 'rank' }}
        y={{ label: 'Σ σᵢ up to r / Σ σᵢ', range: [0, 1.02] }}
        theme={theme}
        height={HEIGHT}
        fileName="cumulative-singular-values"
      />
      <div>
        <Button look="quiet" onPress={() => goTo('lowrank')}>
          Explore in Low-rank <span aria-hidden="true">→</span>
        </Button>
      </div>
    </>
  );
}

/** The training loss. */
export function DistilFigure() {
  const theme = useTheme();
  const { goTo } = useActions();
  const step = useApp((state) => state.run.series.step);
  const losses = useApp((state) => state.run.series.losses);
  const total = losses.total ?? [];
  const series = useMemo<LineSeries[]>(
    () => [{ name: 'total loss', x: step, y: losses.total ?? [], weight: 'strong' }],
    [step, losses],
  );
  if (step.length === 0) return null;
  return (
    <>
      <LineChart
        title="Training loss"
        summary={`From ${significant(total[0]!)} to ${significant(total.at(-1)!)} in ${step.at(-1)} steps.`}
        series={series}
        x={{ label: 'step' }}
        y={{ label: 'loss' }}
        scale="log"
        theme={theme}
        height={HEIGHT}
        fileName="loss"
      />
      <div>
        <Button look="quiet" onPress={() => goTo('distil')}>
          All curves and settings in Distil <span aria-hidden="true">→</span>
        </Button>
      </div>
    </>
  );
}

/** The thoughts, decoded, and both answers. */
export function LatentsFigure() {
  const { goTo } = useActions();
  const latents = useApp((state) => state.latents);
  const thoughts = madeThoughts(latents);
  if (thoughts.length === 0) return null;
  return (
    <>
      <p className="question-text">{latents.question.text}</p>
      <ol className="thoughts">
        {thoughts.map((thought) => (
          <ThoughtRow key={thought.step} thought={thought} max={3} />
        ))}
      </ol>
      <AnswerView />
      <div>
        <Button look="quiet" onPress={() => goTo('latents')}>
          Ask other questions in Latents <span aria-hidden="true">→</span>
        </Button>
      </div>
    </>
  );
}
