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
import type { PlannedSelection } from './plan';

/** Counts matrices over all parts of a request. */
export class Meter {
  private done = 0;
  private told = -1;

  constructor(
    private readonly total: number,
    private readonly tell: (done: number, total: number) => void,
  ) {}

  /** Progress of the next `count` matrices, as a share of them. */
  next(count: number): (share: number) => void {
    const before = this.done;
    this.done += count;
    return (share) => {
      const now = Math.floor(before + share * count + 1e-9);
      if (now <= this.told) return;
      this.told = now;
      this.tell(now, this.total);
    };
  }
}

/** What the parts of a report need to be computed. */
export interface ReportTools {
  readonly device: Device | undefined;
  readonly signal: AbortSignal | undefined;
  readonly meter: Meter;
  /** The kernels that have decomposed anything so far. */
  readonly kernels: Set<string>;
}

/** Passes over the hidden states for the Tucker report: two modes and the core, each counted as one matrix. */
const TUCKER_PASSES = 3;

export async function spectraOf(
  matrices: readonly StackedMatrix[],
  hidden: number,
  { device, signal, meter, kernels: all }: ReportTools,
): Promise<Spectrum[]> {
  const { spectra, kernels } = await matrixSpectra(matrices, hidden, {
    device,
    signal,
    onProgress: meter.next(matrices.length),
  });
  for (const kernel of kernels) all.add(kernel);
  return spectra.map((spectrum, i) => {
    const { label, about, tokens, rows } = matrices[i] as StackedMatrix;
    return { label, about, tokens, rows, ...spectrum, cumulative: Float32Array.from(spectrum.cumulative) };
  });
}

/** Number of matrices that `selectionReport` counts. */
export function countOf(
  { stack, tucker }: LensRequest,
  { layers, tokens }: PlannedSelection,
  matrices: number,
) {
  return (
    matrices +
    (stack === 'layer' ? 0 : layers.length) +
    tokens.length * layers.length +
    (tucker ? TUCKER_PASSES : 0)
  );
}

/** The report on one selection by itself. */
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
  const spectra = await spectraOf(stacked(gathered, { stack, layers, centre }), hidden, tools);
  const byLayer =
    stack === 'layer'
      ? spectra
      : await spectraOf(stacked(gathered, { stack: 'layer', layers, centre }), hidden, tools);
  const together = await collapse(chosen, {
    device,
    signal,
    onProgress: meter.next(gathered.samples.length * layers.length),
  });
  for (const kernel of together.kernels) tools.kernels.add(kernel);
  const { cosine, effectiveRank, positions } = together;
  let tucker: TuckerReport | null = null;
  if (request.tucker) {
    const onProgress = meter.next(TUCKER_PASSES);
    tools.kernels.add(MODE_KERNEL);
    tucker = { layers, ...(await tuckerEnergy(chosen, { centre, signal, onProgress })) };
  }
  return {
    selection,
    label: resolved.label,
    model: resolved.source,
    layers: gathered.layers,
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
