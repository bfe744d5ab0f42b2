import type {
  LayerRanks,
  LensRequest,
  SelectionReport,
  Spectrum,
  TuckerReport,
} from '../../../contract/lens';
import { medianBand } from '../../analysis/band';
import { collapse } from '../../analysis/collapse';
import type { GatheredStates } from '../../analysis/gathered';
import { matrixSpectra } from '../../analysis/matrix-spectra';
import { MODE_KERNEL } from '../../analysis/mode-basis';
import { type StackedMatrix, stacked } from '../../analysis/stacks';
import { tuckerEnergy } from '../../analysis/tucker-report';
import { Rng } from '../../base/rng';
import type { Device } from '../../device/device';
import type { Meter } from './meter';
import type { PlannedSelection } from './plan';
import { selectionWork, spectraWork } from './work';

/** What the parts of a report need to be computed. */
export interface ReportTools {
  readonly device: Device | undefined;
  readonly signal: AbortSignal | undefined;
  readonly meter: Meter;
  /** The kernels that have decomposed anything so far. */
  readonly kernels: Set<string>;
}

/** The spectra of matrices, as one part of the report. */
export async function spectraOf(
  matrices: readonly StackedMatrix[],
  hidden: number,
  { device, signal, meter, kernels: all }: ReportTools,
): Promise<Spectrum[]> {
  const work = spectraWork(matrices, hidden, device);
  const { spectra, kernels } = await meter.part(work, (onProgress) =>
    matrixSpectra(matrices, hidden, { device, signal, onProgress }),
  );
  for (const kernel of kernels) all.add(kernel);
  return spectra.map((spectrum, i) => {
    const { label, about, tokens, rows } = matrices[i] as StackedMatrix;
    return { label, about, tokens, rows, ...spectrum, cumulative: Float32Array.from(spectrum.cumulative) };
  });
}

/** The report on a single selection. */
export async function selectionReport(
  request: LensRequest,
  planned: PlannedSelection,
  gathered: GatheredStates,
  tools: ReportTools,
): Promise<Omit<SelectionReport, 'trajectory'>> {
  const { resolved, layers, selection } = planned;
  const { stack, centre, seed } = request;
  const { hidden } = gathered;
  const { device, signal, meter } = tools;
  const chosen = { gathered, layers };
  const work = selectionWork(request, planned, device);
  const spectra = await spectraOf(stacked(gathered, { stack, layers, centre }), hidden, tools);
  const byLayer =
    stack === 'layer'
      ? spectra
      : await spectraOf(stacked(gathered, { stack: 'layer', layers, centre }), hidden, tools);
  const together = await meter.part(work.collapse, (onProgress) =>
    collapse(chosen, { device, signal, onProgress }),
  );
  for (const kernel of together.kernels) tools.kernels.add(kernel);
  const { cosine, effectiveRank, positions } = together;
  let tucker: TuckerReport | null = null;
  if (request.tucker) {
    tools.kernels.add(MODE_KERNEL);
    const energy = await meter.part(work.tucker, (onProgress) =>
      tuckerEnergy(chosen, { centre, signal, onProgress }),
    );
    tucker = { layers, ...energy };
  }
  return {
    selection,
    label: resolved.label,
    model: resolved.source,
    layers: resolved.model.config.layers,
    hidden,
    spectra,
    bands: stack === 'sample' && spectra.length >= 2 ? bandsOf(spectra, seed) : null,
    layerRanks: byLayer.map((spectrum, p) => ranksOf(spectrum, layers[p] as number)),
    tucker,
    collapse: { layers, cosine, effectiveRank, positions },
  };
}

function bandsOf(spectra: readonly Spectrum[], seed: number): SelectionReport['bands'] {
  const rng = () => new Rng(seed).fork('bootstrap');
  const decays = spectra.map(({ sigma }) => {
    const first = sigma[0] as number;
    return sigma.map((s) => (first === 0 ? 0 : s / first));
  });
  return {
    cumulative: medianBand(
      spectra.map((s) => s.cumulative),
      1,
      rng(),
    ),
    decay: medianBand(decays, 0, rng()),
  };
}

const ranksOf = ({ rows, effectiveRank, stableRank, energyRanks }: Spectrum, layer: number): LayerRanks => ({
  layer,
  rows,
  effectiveRank,
  stableRank,
  energyRanks,
});
