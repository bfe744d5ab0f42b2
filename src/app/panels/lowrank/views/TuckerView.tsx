import { useMemo } from 'react';
import type { LensReport, SelectionReport } from '../../../../contract/lens';
import { HeatMap } from '../../../charts/HeatMap';
import { LineChart } from '../../../charts/LineChart';
import { useHoverLink } from '../../../charts/link';
import type { LineSeries } from '../../../charts/series';
import { valueAt } from '../../../store/draft';
import { useApp, useTheme } from '../../../store/use-app';
import { Formula } from '../../../ui/Formula';
import { Panel } from '../../../ui/Panel';
import { sourceOf } from '../provenance';
import { coreSentence, errorSentence, modesSentence } from '../sentences';
import { countsOf } from '../statistics';

/** The Tucker decomposition across layers and hidden features, one selection at a time. */
export function TuckerView({ report }: { readonly report: LensReport }) {
  const source = useMemo(() => sourceOf(report), [report]);
  return report.selections.map((selection) => (
    <SelectionTucker key={selection.label} selection={selection} source={source} />
  ));
}

function SelectionTucker({
  selection: { label, tucker },
  source,
}: {
  readonly selection: SelectionReport;
  readonly source: string;
}) {
  const theme = useTheme();
  const link = useHoverLink();
  const layerRank = useApp((state) => valueAt(state.draft, 'factors.layerRank'));
  const hiddenRank = useApp((state) => valueAt(state.draft, 'factors.hiddenRank'));
  // The form's method may have no such ranks.
  const ranks =
    typeof layerRank === 'number' && typeof hiddenRank === 'number' ? { layerRank, hiddenRank } : null;
  const modes = useMemo(() => {
    const line = (name: string, sigma: Float32Array, look: number): LineSeries => ({
      name,
      x: countsOf(sigma),
      y: Array.from(sigma, (s) => s / (sigma[0] || 1)),
      look: { colour: look, dash: look, marker: look },
      legend: true,
    });
    return tucker
      ? [
          line('across layers (mode L)', tucker.layerSigma, 0),
          line('across features (mode H)', tucker.hiddenSigma, 1),
        ]
      : [];
  }, [tucker]);
  if (!tucker) return null;
  const { layers, columns, energy, error } = tucker;
  const axes = {
    x: { label: 'hidden direction j', column: 'hidden rank', values: countsOf({ length: columns }) },
    y: { label: 'layer direction i', column: 'layer rank', values: countsOf(layers) },
  };
  return (
    <Panel title={`Tucker decomposition: ${label}`}>
      <Formula
        display
        tex="G = X \times_2 U_L^\top \times_3 U_H^\top,\quad X \in \mathbb{R}^{M\times L\times H}"
      />
      <LineChart
        title={`Spectra of the modes: ${label}`}
        summary={modesSentence(tucker)}
        source={source}
        series={modes}
        x={{ label: 'rank', column: 'rank' }}
        y={{ label: 'σᵢ / σ₁' }}
        scale="log"
        theme={theme}
        height={280}
        fileName="tucker-mode-spectra"
        link={link}
      />
      <HeatMap
        title={`Energy of the core: ${label}`}
        summary={coreSentence(tucker)}
        source={source}
        {...axes}
        z={energy}
        value={{ label: 'share of energy', format: '%' }}
        scale="log"
        theme={theme}
        height={Math.max(220, 110 + 28 * layers.length)}
        fileName="tucker-core-energy"
      />
      <HeatMap
        title={`Reconstruction error: ${label}`}
        summary={errorSentence(tucker, ranks)}
        source={source}
        x={{ ...axes.x, label: 'hidden rank r_H' }}
        y={{ ...axes.y, label: 'layer rank r_L' }}
        z={error}
        value={{ label: '‖X − X̂‖ / ‖X‖', format: '%' }}
        scale="linear"
        theme={theme}
        height={Math.max(220, 110 + 28 * layers.length)}
        fileName="tucker-reconstruction-error"
      />
    </Panel>
  );
}
