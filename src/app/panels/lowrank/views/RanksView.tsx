import { useMemo } from 'react';
import { ENERGY_SHARES, type LayerRanks, type LensReport } from '../../../../contract/lens';
import { LineChart } from '../../../charts/LineChart';
import type { HoverLink } from '../../../charts/link';
import type { LineSeries } from '../../../charts/series';
import { useTheme } from '../../../store/use-app';
import { percent } from '../../../ui/format';
import { Panel } from '../../../ui/Panel';
import { sourceOf } from '../provenance';
import { effectiveSentence, layerSentence, lengthSentence } from '../sentences';
import { layerAxis } from '../statistics';

/** All lines of the first selection, and of the second the one that shows its dash or marker. */
const isNamed = (selection: number, line: number) => selection === 0 || line === 0;

const shareName = (share: number) => percent(share, 0);

/** How rank depends on layer and length. */
export function RanksView({ report, link }: { readonly report: LensReport; readonly link: HoverLink }) {
  const theme = useTheme();
  const { selections, request } = report;
  const several = selections.length > 1;
  const layers = layerAxis(Math.max(...selections.map((one) => one.layers)));
  const source = useMemo(() => sourceOf(report), [report]);
  const [byLayer, effective, byLength] = useMemo(() => {
    const alongLayers = (
      names: readonly string[],
      value: (ranks: LayerRanks, which: number) => number,
    ): LineSeries[] =>
      selections.flatMap(({ label, layerRanks }, index) =>
        names.map((name, which) => ({
          name: several ? `${label}, ${name}` : name,
          x: layerRanks.map(({ layer }) => layer),
          keys: layerRanks.map(({ layer }) => `layer ${layer}`),
          y: layerRanks.map((ranks) => value(ranks, which)),
          look: { colour: which, dash: index, marker: which },
          legend: isNamed(index, which),
        })),
      );
    return [
      alongLayers(ENERGY_SHARES.map(shareName), ({ energyRanks }, which) => energyRanks[which]!),
      alongLayers(['effective rank', 'stable rank'], (ranks, which) =>
        which === 0 ? ranks.effectiveRank : ranks.stableRank,
      ),
      selections.flatMap(({ label, spectra }, index) =>
        ENERGY_SHARES.map((share, which): LineSeries => {
          const sorted = [...spectra].sort((a, b) => a.tokens - b.tokens);
          return {
            name: several ? `${label}, ${shareName(share)}` : shareName(share),
            x: sorted.map(({ tokens }) => tokens),
            keys: sorted.map((spectrum) => spectrum.label),
            y: sorted.map(({ energyRanks }) => energyRanks[which]!),
            points: true,
            look: { colour: which, marker: which + 4 * index },
            legend: isNamed(index, which),
          };
        }),
      ),
    ];
  }, [selections, several]);
  return (
    <Panel title="Ranks" about="The smallest rank that holds 80, 90, 95 and 99 % of the energy Σσ².">
      <LineChart
        title="Rank against layer"
        summary={`One matrix per layer, all samples’ tokens as rows. ${layerSentence(selections)}`}
        source={source}
        series={byLayer}
        x={layers}
        y={{ label: 'rank r' }}
        scale="linear"
        theme={theme}
        height={300}
        fileName="rank-by-layer"
        link={link}
      />
      <LineChart
        title="Effective and stable rank against layer"
        summary={effectiveSentence(selections)}
        source={source}
        series={effective}
        x={layers}
        y={{ label: 'rank' }}
        scale="linear"
        theme={theme}
        height={280}
        fileName="effective-rank-by-layer"
        link={link}
      />
      {request.stack === 'sample' ? (
        <LineChart
          title="Rank against length"
          summary={`One point per sample and share of energy. ${lengthSentence(selections)}`}
          source={source}
          series={byLength}
          x={{ label: 'tokens', column: 'tokens' }}
          y={{ label: 'rank r' }}
          scale="linear"
          theme={theme}
          height={300}
          fileName="rank-by-length"
          link={link}
        />
      ) : (
        <p className="muted">
          Rank against length needs one matrix per sample: choose that under “Stacking”.
        </p>
      )}
    </Panel>
  );
}
