import { useMemo, useState } from 'react';
import type { SpectraReport } from '../../../contract/events';
import { LineChart } from '../../charts/LineChart';
import { useTheme } from '../../store/use-app';
import { Choice } from '../../ui/Choice';
import { DataTable } from '../../ui/DataTable';
import { duration, percent } from '../../ui/format';
import { Figures, Panel } from '../../ui/Panel';
import { decayOf, medianCurve, ranksOf, summaryOf } from './spectra-view';

const ALL = 'all';

export function SpectraView({ report }: { readonly report: SpectraReport }) {
  const theme = useTheme();
  const [chosen, setChosen] = useState(ALL);
  const summary = useMemo(() => summaryOf(report), [report]);
  const { samples } = report;
  const picked = samples.find(({ id }) => id === chosen);

  const [cumulative, decay] = useMemo(() => {
    const weight = (id: string) => (picked ? (id === picked.id ? 'strong' : 'faint') : undefined);
    const lines = (y: (sample: (typeof samples)[number]) => ArrayLike<number>) => [
      ...samples.map(
        (sample) =>
          ({ name: sample.id, x: ranksOf(sample), y: y(sample), weight: weight(sample.id) }) as const,
      ),
    ];
    const middle = (y: (sample: (typeof samples)[number]) => ArrayLike<number>) => {
      const curve = medianCurve(samples.map(y));
      return {
        name: 'median',
        x: curve.map((_, i) => i + 1),
        y: curve,
        ...(!picked && { weight: 'strong' as const }),
      };
    };
    return [
      [middle((s) => s.cumulative), ...lines((s) => s.cumulative)],
      [middle(decayOf), ...lines(decayOf)],
    ];
  }, [samples, picked]);

  const at = Math.round(summary.rank95);
  const shareAt = cumulative[0]?.y[at - 1];
  return (
    <>
      <Panel
        title="How few directions"
        about={`${samples.length} ${samples.length === 1 ? 'sample' : 'samples'} of ${report.model}, ${report.layers} blocks, hidden size ${report.hidden}; ${report.kernel}, ${report.dtype}, seed ${report.seed}, ${duration(report.milliseconds)}.`}
      >
        <Figures
          items={[
            {
              label: 'Rank for 95 % of the energy',
              value: `${summary.rank95} of ${summary.possible}`,
              note: `median; at most ${summary.rank95Most}`,
            },
            { label: 'Rank for 99 %', value: `${summary.rank99} of ${summary.possible}`, note: 'median' },
            { label: 'Effective rank', value: summary.effective.toFixed(1), note: 'median' },
            { label: 'Stable rank', value: summary.stable.toFixed(2), note: 'median' },
          ]}
        />
      </Panel>
      <Panel
        title="Spectra"
        actions={
          <Choice
            label="Highlight"
            value={chosen}
            onChange={setChosen}
            options={[
              { id: ALL, label: 'no sample' },
              ...samples.map(({ id, question }) => ({ id, label: id, about: question })),
            ]}
          />
        }
      >
        {picked && <p className="muted">{picked.question}</p>}
        <LineChart
          title="Cumulative singular values"
          summary={`One curve a sample, and their median. The first ${at} of ${summary.possible} singular values already sum to ${percent(shareAt ?? Number.NaN, 0)} of all (median).`}
          series={cumulative}
          x={{ label: 'rank r', column: 'rank' }}
          y={{ label: 'Σ σᵢ up to r / Σ σᵢ', range: [0, 1.02] }}
          theme={theme}
          height={320}
          fileName="cumulative-singular-values"
        />
        <LineChart
          title="Decay of singular values"
          summary={`Each singular value over the largest. ${descent(decay[0]?.y ?? [], 0.01)}`}
          series={decay}
          x={{ label: 'rank i', column: 'rank' }}
          y={{ label: 'σᵢ / σ₁' }}
          scale="log"
          theme={theme}
          height={280}
          fileName="singular-value-decay"
        />
      </Panel>
      <DataTable
        caption="Every sample"
        columns={[
          'Sample',
          'Tokens',
          'Rows',
          '80 %',
          '90 %',
          '95 %',
          '99 %',
          'Effective rank',
          'Stable rank',
        ]}
        rows={samples.map((s) => [
          s.id,
          s.tokens,
          s.rows,
          ...s.energyRanks,
          s.effectiveRank.toFixed(2),
          s.stableRank.toFixed(2),
        ])}
        most={200}
      />
    </>
  );
}

function descent(curve: ArrayLike<number>, level: number): string {
  const index = Array.from(curve).findIndex((value) => value < level);
  return index < 0
    ? `The median stays above ${percent(level, 0)} at all ${curve.length} ranks.`
    : `The median falls below ${percent(level, 0)} at rank ${index + 1}.`;
}
