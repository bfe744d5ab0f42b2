import { useMemo, useState } from 'react';
import { meanLength } from '../../../contract/lengths';
import { LineChart } from '../../charts/LineChart';
import type { Mark } from '../../charts/marks';
import { SHARES } from '../../charts/table';
import type { RunState } from '../../store/run';
import { useTheme } from '../../store/use-app';
import { DataTable } from '../../ui/DataTable';
import { percent } from '../../ui/format';
import { Slider } from '../../ui/Slider';
import { lengthHistogram, TOKENS } from '../shared/lengths';
import {
  accuracyByLength,
  aroundReinforcement,
  GROUP_COLUMNS,
  groupPoints,
  groupRows,
  keptStepsSentence,
  lengthLines,
  rewardLines,
  shownStep,
} from './reinforcement';

/** How long a student that stops by itself reasons, and what drawn answers were rewarded for. */
export function ReinforcementCharts({
  run: {
    id,
    series: { drawn, accuracy },
    drawnSteps,
    data,
  },
  marks,
}: {
  readonly run: Pick<RunState, 'id' | 'series' | 'drawnSteps' | 'data'>;
  readonly marks: readonly Mark[];
}) {
  const last = accuracy.findLast(({ lengths }) => lengths);
  return (
    <>
      {last?.lengths && (
        <Lengths last={{ ...last, lengths: last.lengths }} accuracy={accuracy} drawn={drawn} />
      )}
      {drawn.length > 0 && <Drawn drawn={drawn} marks={marks} />}
      {/* Another run has other steps to choose of. */}
      {drawnSteps.kept.length > 0 && <Groups key={id} drawnSteps={drawnSteps} data={data} />}
    </>
  );
}

type Evaluation = RunState['series']['accuracy'][number];

function Lengths({
  last,
  accuracy,
  drawn,
}: {
  readonly last: Evaluation & Required<Pick<Evaluation, 'lengths'>>;
  readonly accuracy: readonly Evaluation[];
  readonly drawn: RunState['series']['drawn'];
}) {
  const theme = useTheme();
  const { counts, share } = useMemo(() => lengthHistogram(last.lengths), [last]);
  const path = useMemo(() => accuracyByLength(accuracy), [accuracy]);
  const around = useMemo(() => aroundReinforcement(accuracy, drawn), [accuracy, drawn]);
  const where = `${last.accuracy.total} ${last.set} problems at step ${last.step}`;
  return (
    <section aria-labelledby="lengths-title" className="observed">
      <h4 id="lengths-title">Reasoning length</h4>
      <p className="about">
        The student decides after each latent whether to go on. Reasoning tokens are the latents and the two
        tokens around them.
      </p>
      <div className="columns-2">
        <LineChart
          title="Length by correctness"
          summary={`Problems by reasoning tokens; ${meanLength(last.lengths).toFixed(2)} on average.`}
          source={where}
          series={counts}
          x={{ label: TOKENS, step: 1 }}
          y={{ label: 'problems' }}
          theme={theme}
          height={240}
          fileName="length-by-correctness"
        />
        <LineChart
          title="Accuracy by length"
          summary="Share of right answers among the problems with that many reasoning tokens."
          source={where}
          series={share}
          x={{ label: TOKENS, step: 1 }}
          y={{ label: 'accuracy', format: '%', range: SHARES }}
          theme={theme}
          height={240}
          fileName="accuracy-by-length"
        />
        <LineChart
          title="Accuracy against mean length"
          summary={`One point for each evaluation, joined in the order of training; the last one has ${percent(last.accuracy.share)}.`}
          series={path}
          x={{ label: `mean ${TOKENS}` }}
          y={{ label: 'accuracy', format: '%', range: SHARES }}
          theme={theme}
          height={240}
          fileName="accuracy-against-length"
        />
        {around && (
          <LineChart
            title="Length before and after reinforcement"
            summary={`${described(around.before)} before, ${described(around.after)} after.`}
            source={`${around.after.accuracy.total} validation problems`}
            series={around.counts}
            x={{ label: TOKENS, step: 1 }}
            y={{ label: 'problems' }}
            theme={theme}
            height={240}
            fileName="length-before-and-after"
          />
        )}
      </div>
    </section>
  );
}

const described = ({ accuracy, lengths }: Pick<Evaluation, 'accuracy' | 'lengths'>): string =>
  `${meanLength(lengths ?? []).toFixed(2)} reasoning tokens on average and ${percent(accuracy.share)} right`;

function Drawn({
  drawn,
  marks,
}: {
  readonly drawn: RunState['series']['drawn'];
  readonly marks: readonly Mark[];
}) {
  const theme = useTheme();
  const lengths = useMemo(() => lengthLines(drawn), [drawn]);
  const rewards = useMemo(() => rewardLines(drawn), [drawn]);
  return (
    <section aria-labelledby="drawn-title" className="observed">
      <h4 id="drawn-title">Drawn answers</h4>
      <div className="columns-2">
        <LineChart
          title="Length of drawn answers"
          summary="Mean reasoning tokens of the answers each step was computed from."
          series={lengths}
          x={{ label: 'step' }}
          y={{ label: TOKENS }}
          theme={theme}
          marks={marks}
          height={240}
          fileName="drawn-lengths"
        />
        <LineChart
          title="Terms of the reward"
          summary="Means over the drawn answers: 1 for a right one, −1 for a badly formatted one, and the relative length of the right ones."
          series={rewards}
          x={{ label: 'step' }}
          y={{ label: 'reward' }}
          theme={theme}
          marks={marks}
          height={240}
          fileName="drawn-rewards"
        />
      </div>
    </section>
  );
}

/** With a minus sign. */
const shown = (cell: string | number) => (typeof cell === 'number' ? `${cell}`.replace('-', '−') : cell);

function Groups({ drawnSteps, data }: Pick<RunState, 'drawnSteps' | 'data'>) {
  const theme = useTheme();
  const { kept } = drawnSteps;
  // Without a choice the last step is followed.
  const [chosen, choose] = useState<number | null>(null);
  const at = shownStep(drawnSteps, chosen);
  const { event } = kept[at] as (typeof kept)[number];
  const samples = data?.training;
  const points = useMemo(() => groupPoints(event.groups), [event]);
  const rows = useMemo(() => groupRows(event, samples), [event, samples]);
  const stepAt = (i: number) => kept[i]?.event.step ?? 0;
  return (
    <section aria-labelledby="groups-title" className="observed">
      <h4 id="groups-title">Groups of step {event.step}</h4>
      {kept.length > 1 && (
        <Slider
          label="Drawn step"
          value={at}
          min={0}
          max={kept.length - 1}
          format={(i) => `step ${stepAt(i)}`}
          onChange={(i) => choose(i === kept.length - 1 ? null : stepAt(i))}
          help={`At its end it follows the run. ${keptStepsSentence(drawnSteps)}`}
        />
      )}
      <LineChart
        title="Reward against length"
        summary={`Each point is an answer drawn at step ${event.step}; answers to one question are a group, within which rewards are normalised. Answers of equal length and reward stand side by side.`}
        table={() => ({ columns: GROUP_COLUMNS, rows })}
        file={() => ({
          columns: GROUP_COLUMNS,
          rows: kept.flatMap((one) => groupRows(one.event, samples)),
        })}
        series={points}
        x={{ label: TOKENS, step: 1 }}
        y={{ label: 'reward' }}
        theme={theme}
        height={240}
        fileName="groups"
      />
      <details>
        <summary>Every answer with its terms</summary>
        <DataTable
          caption={`Answers drawn at step ${event.step}`}
          columns={GROUP_COLUMNS}
          rows={rows.map((row) => row.map(shown))}
        />
      </details>
    </section>
  );
}
