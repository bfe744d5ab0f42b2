import type { LensRequest } from '../../../contract/lens';
import { lotsOf } from '../../analysis/matrix-spectra';
import type { StackedMatrix } from '../../analysis/stacks';
import type { Device } from '../../device/device';
import { suitsGpu } from '../../kernels/svd/svd';
import { type Gathering, type LensPlan, type PlannedSelection, shapesOf } from './plan';

/** A part of a request: how many matrices it counts as, and its multiply–adds on the CPU and on the GPU. */
export interface Work {
  readonly matrices: number;
  readonly cpu: number;
  readonly gpu: number;
}

/** The cost of drawing or copying one entry, in multiply–adds. */
const ENTRY = 10;
/** Passes over the hidden states for the Tucker report: two modes and the core, each counted as one matrix. */
const TUCKER_PASSES = 3;
/** Columns of the hidden mode that the core is computed for. */
const CORE_COLUMNS = 64;

/** Gram matrix of the shorter side k (m·n·k/2) and its reduction to tridiagonal form (2k³/3); values alone. */
export function svdWork(m: number, n: number): number {
  const k = Math.min(m, n);
  return (m * n * k) / 2 + (2 * k ** 3) / 3 + ENTRY * m * n;
}

/** Singular values of matrices [rows, H]. */
export function spectraWork(
  matrices: readonly Pick<StackedMatrix, 'rows'>[],
  hidden: number,
  device: Device | undefined,
): Work {
  let [cpu, gpu] = [0, 0];
  for (const { rows, indices } of lotsOf(matrices, hidden, device)) {
    const work = indices.length * svdWork(rows, hidden);
    const onGpu = device && suitsGpu(device, { batch: indices.length, rows, cols: hidden, r: 0 });
    if (onGpu) gpu += work;
    else cpu += work;
  }
  return { matrices: matrices.length, cpu, gpu };
}

/** The parts of the report on one selection, except its trajectory. */
export function selectionWork(
  { stack, centre, tucker }: LensRequest,
  planned: PlannedSelection,
  device: Device | undefined,
): { readonly spectra: Work; readonly byLayer: Work; readonly collapse: Work; readonly tucker: Work } {
  const { layers, tokens } = planned;
  const { hiddenSize: H } = planned.resolved.model.config;
  const of = (one: LensRequest['stack']) =>
    spectraWork(shapesOf(planned, { stack: one, layers, centre }, tokens.length), H, device);
  const single = tokens.flatMap((rows) => layers.map(() => ({ rows })));
  const rows = rowsOf(planned);
  const P = layers.length;
  const core = rows * H * Math.min(H, CORE_COLUMNS) + rows * P * Math.min(H, CORE_COLUMNS);
  return {
    spectra: of(stack),
    byLayer: stack === 'layer' ? NONE : of('layer'),
    collapse: spectraWork(single, H, device),
    tucker: tucker ? onCpu(TUCKER_PASSES, (rows * P * H) / 2 + hiddenModeWork(rows, H) + core) : NONE,
  };
}

const controlWork = (
  { request, selections: [first] }: LensPlan,
  gathering: Gathering,
  device: Device | undefined,
): Work => {
  const { layers } = first as PlannedSelection;
  const { stack, centre } = request;
  const shapes = shapesOf(gathering, { stack, layers, centre }, gathering.tokens.length);
  return spectraWork(shapes, gathering.resolved.model.config.hiddenSize, device);
};

export function trajectoryWork({ request, selections }: LensPlan): Work {
  const H = (selections[0] as PlannedSelection).resolved.model.config.hiddenSize;
  const rows = selections.reduce((sum, one) => sum + rowsOf(one), 0);
  return request.trajectories ? onCpu(1, hiddenModeWork(rows, H) + 3 * rows * H) : NONE;
}

/** Leading directions of each layer's rows, for both selections: like singular values, with r vectors of the longer side. */
export function angleWork({ request, selections }: LensPlan): Work {
  const { angles: r } = request;
  if (r === 0 || selections.length < 2) return NONE;
  const [{ layers }] = selections as [PlannedSelection];
  const one = selections.map(({ tokens, resolved }) => {
    const rows = tokens.reduce((a, b) => a + b, 0);
    return svdWork(rows, resolved.model.config.hiddenSize) + rows * resolved.model.config.hiddenSize * r;
  });
  return onCpu(2 * layers.length, layers.length * one.reduce((a, b) => a + b, 0));
}

export const NONE: Work = { matrices: 0, cpu: 0, gpu: 0 };

export const together = (parts: readonly Work[]): Work =>
  parts.reduce(
    (sum, { matrices, cpu, gpu }) => ({
      matrices: sum.matrices + matrices,
      cpu: sum.cpu + cpu,
      gpu: sum.gpu + gpu,
    }),
    NONE,
  );

/** Everything in a request. @param withoutPassing leaves out controls that are decomposed while they are read */
export function workOf(plan: LensPlan, device: Device | undefined, withoutPassing = false): Work {
  const { request, selections, variants } = plan;
  const [first] = selections as [PlannedSelection];
  const controls = request.controls.filter((control) => !(withoutPassing && variants.has(control)));
  return together([
    ...selections.flatMap((one) => Object.values(selectionWork(request, one, device))),
    ...controls.map((control) => controlWork(plan, variants.get(control) ?? first, device)),
    trajectoryWork(plan),
    angleWork(plan),
  ]);
}

const onCpu = (matrices: number, cpu: number): Work => ({ matrices, cpu, gpu: 0 });

const rowsOf = ({ tokens, layers }: PlannedSelection): number =>
  tokens.reduce((a, b) => a + b, 0) * layers.length;

const hiddenModeWork = (rows: number, H: number): number => (rows * H * H) / 2 + (2 * H ** 3) / 3;
