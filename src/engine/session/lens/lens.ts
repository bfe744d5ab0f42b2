import type { CallOptions } from '../../../contract/calls';
import type {
  AngleReport,
  ControlSpectra,
  LensReport,
  LensRequest,
  SelectionReport,
  Trajectory,
} from '../../../contract/lens';
import type { GatheredStates } from '../../analysis/gathered';
import { layerAngles } from '../../analysis/layer-angles';
import { MODE_KERNEL } from '../../analysis/mode-basis';
import { trajectories } from '../../analysis/trajectories';
import type { Device } from '../../device/device';
import { nameOf, openedData } from '../data/opened-data';
import type { DeviceModels } from '../models/device-models';
import type { LoadedModels } from '../models/subjects';
import { PhaseClock } from '../runs/clock';
import { controlMatrices, type Gathered, gatherAll } from './gather';
import { Meter } from './meter';
import { LensPace } from './pace';
import { type Gathering, type LensPlan, type PlannedSelection, planLens } from './plan';
import { namedKernels } from './precision';
import { parseLensRequest } from './request';
import { type ReportTools, selectionReport, spectraOf } from './selection';
import type { StatesCache } from './states-cache';
import { angleWork, NONE, trajectoryWork, workOf } from './work';

/** What the lens runs on, and what it can examine. */
export interface LensContext {
  readonly models: DeviceModels;
  readonly device?: Device;
  readonly loaded: LoadedModels;
  /** Kept between requests. */
  readonly cache: StatesCache;
  readonly pace?: LensPace;
  /** See `KEPT_BYTES`. */
  readonly keptBytes?: number;
}

/**
 * Gathers the hidden states for a request and computes its report. Refuses before it starts.
 * @throws InputError for an impossible request, MemoryError for one that does not fit, NumericError naming a sample whose
 * hidden states are not finite, CancelledError
 */
export async function lens(
  context: LensContext,
  value: LensRequest,
  options: CallOptions = {},
): Promise<LensReport> {
  const start = performance.now();
  const request = parseLensRequest(value);
  const { device, loaded, pace = new LensPace() } = context;
  const plan = planLens(request, loaded, context);
  const clock = new PhaseClock((event) => {
    if (event.kind === 'progress') options.report?.(event.progress);
  });
  const { signal } = options;
  const kernels = new Set<string>();
  // Spectra of passing controls are part of the gathering's progress.
  const within = new Meter(NONE, pace, () => {});
  const { states, passed } = await gatherAll({ ...context, pace, clock, signal }, plan, (matrices, hidden) =>
    spectraOf(matrices, hidden, { device, signal, meter: within, kernels }),
  );
  const of = (gathering: Gathering) => states.get(gathering.key) as GatheredStates;
  clock.begin('spectra');
  const meter = new Meter(workOf(plan, device, plan.passing), pace, (done, total, share) =>
    clock.tell(done, total, 'matrices', share),
  );
  const tools: ReportTools = { device, signal, meter, kernels };
  const selections: Omit<SelectionReport, 'trajectory'>[] = [];
  for (const planned of plan.selections)
    selections.push(await selectionReport(request, planned, of(planned), tools));
  const controls = await controlSpectra(plan, of, passed, tools);
  const angles = await angleReport(plan, of, tools);
  const { axes, paths } = await trajectoryReport(plan, of, tools);
  meter.learn();
  return {
    request,
    sampleIds: plan.sequences.map(({ id }) => id),
    ...(request.source.kind === 'rows' && { dataset: nameOf(openedData(loaded.data)) }),
    selections: selections.map((report, i) => ({ ...report, trajectory: paths[i] ?? null })),
    controls,
    axes,
    angles,
    ...namedKernels(tools.kernels),
    milliseconds: performance.now() - start,
  };
}

async function controlSpectra(
  plan: LensPlan,
  of: (gathering: Gathering) => GatheredStates,
  passed: Gathered['passed'],
  tools: ReportTools,
): Promise<ControlSpectra[]> {
  const { request, selections, variants } = plan;
  const [first] = selections as [PlannedSelection];
  const out: ControlSpectra[] = [];
  for (const control of request.controls) {
    const found = passed.get(control);
    const gathered = () => of(variants.get(control) ?? first);
    const spectra =
      found ?? (await spectraOf(controlMatrices(plan, control, gathered()), gathered().hidden, tools));
    out.push({ control, spectra });
  }
  return out;
}

async function angleReport(
  plan: LensPlan,
  of: (gathering: Gathering) => GatheredStates,
  { device, signal, meter, kernels: all }: ReportTools,
): Promise<AngleReport | null> {
  const { request, selections } = plan;
  const [first, second] = selections as [PlannedSelection, PlannedSelection?];
  const { angles: rank, centre, seed } = request;
  if (rank === 0 || !second) return null;
  const { layers } = first;
  const options = { rank, layers, centre, seed, device, signal };
  const { angles, chance, kernels } = await meter.part(angleWork(plan), (onProgress) =>
    layerAngles(of(first), of(second), { ...options, onProgress }),
  );
  for (const kernel of kernels) all.add(kernel);
  return { rank, layers, angles, chance };
}

async function trajectoryReport(
  plan: LensPlan,
  of: (gathering: Gathering) => GatheredStates,
  { signal, meter, kernels }: ReportTools,
): Promise<{ axes: LensReport['axes']; paths: readonly Trajectory[] }> {
  const { request, selections } = plan;
  const { trajectories: basis } = request;
  if (!basis) return { axes: null, paths: [] };
  const chosen = selections.map((one) => ({ gathered: of(one), layers: one.layers }));
  const { shares, points } = await meter.part(trajectoryWork(plan), (onProgress) =>
    trajectories(chosen, basis, { signal, onProgress }),
  );
  kernels.add(MODE_KERNEL);
  const count = points.reduce((sum, { sample }) => sum + sample.length, 0);
  const labels = selections.map(
    ({ resolved, selection }) => `${resolved.label} (${selection.sections.join(', ')})`,
  );
  return {
    axes: { shares, basis, of: `${count} hidden states of ${labels.join(' and ')}` },
    paths: points.map((path, i) => ({
      ...path,
      texts: (chosen[i] as (typeof chosen)[number]).gathered.samples.map(({ texts }) => texts),
    })),
  };
}
