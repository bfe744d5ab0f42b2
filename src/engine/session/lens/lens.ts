import type { CallOptions } from '../../../contract/calls';
import type {
  AngleReport,
  ControlSpectra,
  LensReport,
  LensRequest,
  SelectionReport,
  Trajectory,
} from '../../../contract/lens';
import { gaussian, shuffled } from '../../analysis/controls';
import type { GatheredStates } from '../../analysis/gathered';
import { layerAngles } from '../../analysis/layer-angles';
import { MODE_KERNEL } from '../../analysis/mode-basis';
import { checkGathered } from '../../analysis/rows';
import { stacked } from '../../analysis/stacks';
import { trajectories } from '../../analysis/trajectories';
import { throwIfCancelled } from '../../base/errors';
import type { Device } from '../../device/device';
import { nameOf, openedData } from '../data/opened-data';
import type { DeviceModels } from '../models/device-models';
import type { LoadedModels } from '../models/subjects';
import { PhaseClock } from '../runs/clock';
import { gatherStates } from '../states/states';
import {
  type Gathering,
  type LensPlan,
  MAX_LENS_BYTES,
  type PlannedSelection,
  planLens,
  shapesOf,
} from './plan';
import { namedKernels } from './precision';
import { parseLensRequest } from './request';
import { countOf, Meter, type ReportTools, selectionReport, spectraOf } from './selection';
import type { StatesCache } from './states-cache';

/** What the lens runs on, and what it can look at. */
export interface LensContext {
  readonly models: DeviceModels;
  readonly device?: Device;
  readonly held: LoadedModels;
  /** Kept between requests. */
  readonly cache: StatesCache;
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
  const plan = planLens(request, context.held);
  const clock = new PhaseClock((event) => {
    if (event.kind === 'progress') options.report?.(event.progress);
  });
  const states = await gatherAll(context, plan, clock, options.signal);
  const of = (gathering: Gathering) => states.get(gathering.key) as GatheredStates;
  clock.begin('spectra');
  const tools: ReportTools = {
    device: context.device,
    signal: options.signal,
    meter: new Meter(countAll(plan), (done, total) => clock.tell(done, total, 'matrices')),
    kernels: new Set(),
  };
  const selections: Omit<SelectionReport, 'trajectory'>[] = [];
  for (const planned of plan.selections)
    selections.push(await selectionReport(request, planned, of(planned), tools));
  const controls = await controlSpectra(plan, of, tools);
  const angles = await angleReport(plan, of, tools);
  const { axes, paths } = await trajectoryReport(plan, of, tools);
  return {
    request,
    sampleIds: plan.sequences.map(({ id }) => id),
    ...(request.source.kind === 'rows' && { dataset: nameOf(openedData(context.held.data)) }),
    selections: selections.map((report, i) => ({ ...report, trajectory: paths[i] ?? null })),
    controls,
    axes,
    angles,
    ...namedKernels(tools.kernels),
    milliseconds: performance.now() - start,
  };
}

/** The hidden states of everything planned, from the cache if they are there. */
async function gatherAll(
  { models, cache }: LensContext,
  { request, sequences, selections, variants, bytes }: LensPlan,
  clock: PhaseClock,
  signal: AbortSignal | undefined,
): Promise<Map<string, GatheredStates>> {
  const planned = new Map([...selections, ...variants.values()].map((one) => [one.key, one]));
  // What is kept from other requests must leave room for this one.
  cache.shrink(new Set(planned.keys()), MAX_LENS_BYTES - bytes);
  const total = [...planned.keys()].filter((key) => !cache.has(key)).length * sequences.length;
  const states = new Map<string, GatheredStates>();
  clock.begin('states');
  let before = 0;
  for (const [key, { resolved, selection, variant }] of planned) {
    throwIfCancelled(signal, 'the lens');
    const known = cache.get(key);
    const gathered =
      known ??
      (await gatherStates(models, resolved, sequences, selection.sections, {
        variant,
        seed: request.seed,
        signal,
        onProgress: (done) => clock.tell(before + done, total, 'samples'),
      }));
    if (!known) {
      checkGathered(gathered);
      cache.put(key, resolved.kind, gathered);
      before += sequences.length;
    }
    states.set(key, gathered);
  }
  return states;
}

/** Number of matrices in the whole request, for progress. */
function countAll({ request, selections, variants }: LensPlan): number {
  const { stack, centre, controls, angles } = request;
  const matrices = (gathering: Gathering, layers: readonly number[]) =>
    shapesOf(gathering, { stack, layers, centre }, gathering.tokens.length).length;
  const [first] = selections as [PlannedSelection];
  let count = 0;
  for (const one of selections) count += countOf(request, one, matrices(one, one.layers));
  for (const control of controls) count += matrices(variants.get(control) ?? first, first.layers);
  if (angles > 0) count += 2 * first.layers.length;
  return count + (request.trajectories ? 1 : 0);
}

async function controlSpectra(
  { request, selections, variants }: LensPlan,
  of: (gathering: Gathering) => GatheredStates,
  tools: ReportTools,
): Promise<ControlSpectra[]> {
  const { stack, centre, seed, controls } = request;
  const [first] = selections as [PlannedSelection];
  const out: ControlSpectra[] = [];
  for (const control of controls) {
    const gathered = of(variants.get(control) ?? first);
    const { hidden } = gathered;
    let matrices = stacked(gathered, { stack, layers: first.layers, centre });
    if (control === 'shuffled') matrices = shuffled(matrices, hidden, seed);
    if (control === 'gaussian') matrices = gaussian(matrices, hidden, seed, centre);
    out.push({ control, spectra: await spectraOf(matrices, hidden, tools) });
  }
  return out;
}

async function angleReport(
  { request, selections }: LensPlan,
  of: (gathering: Gathering) => GatheredStates,
  { device, signal, meter, kernels: all }: ReportTools,
): Promise<AngleReport | null> {
  const [first, second] = selections as [PlannedSelection, PlannedSelection?];
  const { angles: rank, centre, seed } = request;
  if (rank === 0 || !second) return null;
  const { layers } = first;
  const onProgress = meter.next(2 * layers.length);
  const options = { rank, layers, centre, seed, device, signal, onProgress };
  const { angles, chance, kernels } = await layerAngles(of(first), of(second), options);
  for (const kernel of kernels) all.add(kernel);
  return { rank, layers, angles, chance };
}

async function trajectoryReport(
  { request, selections }: LensPlan,
  of: (gathering: Gathering) => GatheredStates,
  { signal, meter, kernels }: ReportTools,
): Promise<{ axes: LensReport['axes']; paths: readonly Trajectory[] }> {
  const { trajectories: basis } = request;
  if (!basis) return { axes: null, paths: [] };
  const chosen = selections.map((one) => ({ gathered: of(one), layers: one.layers }));
  const { shares, points } = await trajectories(chosen, basis, { signal, onProgress: meter.next(1) });
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
