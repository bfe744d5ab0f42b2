import { NumericError, ShapeError, TooLargeError, throwIfCancelled } from '../../base/errors';
import { yieldToEventLoop } from '../../base/yield-to-event-loop';
import type { Device } from '../../device/device';
import { suitsLanczos, svdLanczos } from './lanczos';
import { largeRoom, svdLarge } from './large';
import { lotRoom, svdInLots } from './lots';
import { MAX_SMALL } from './small';
import { checkSvd, numericalRank, type SvdResult, type SvdShape, svdSteps } from './svd.cpu';
import { MAX_THIN } from './thin';

/** How a decomposition is run. */
export interface SvdOptions {
  /** Used where it is worthwhile (`suitsGpu`); otherwise, and by default, the CPU is. */
  readonly device?: Device;
  /**
   * `all` k singular values (default), or the r `leading` ones with their vectors, which is less work if r is far below k.
   * The latter finds a repeated value at least once, and its multiplicity only as far as float32 resolves it.
   */
  readonly want?: 'all' | 'leading';
  /** Checked every few ten milliseconds (CPU) or between submissions (GPU); an abort rejects with `CancelledError`. */
  readonly signal?: AbortSignal;
  /** Called with the share done, 0 … 1, never falling. */
  readonly onProgress?: (share: number) => void;
}

/** `sigma` is [B, values]. */
export interface SvdOutcome extends SvdResult {
  /** Singular values per matrix: k, or r if only the leading ones were requested. `rank` counts among these. */
  readonly values: number;
  /** Name of the kernel, for the page. */
  readonly kernel: string;
}

type Way = 'thin' | 'small' | 'large' | 'lanczos';

/** Names of the methods, as the page shows them. */
export const KERNELS = {
  cpu: 'svd (CPU)',
  thin: 'svd (WGSL, Gram matrix in float32 pairs)',
  small: 'svd (WGSL, bidiagonalisation, one workgroup per matrix)',
  large: 'svd (WGSL, blocked bidiagonalisation)',
  lanczos: 'svd (WGSL, Lanczos)',
} as const;

/** Longest piece of CPU work, in ms, between two opportunities to cancel. */
const SLICE_MS = 30;

/**
 * Below this m·n·k, summed over the batch, the CPU is done (in half a millisecond, at a measured 2 to 3 · 10⁹ per second)
 * before a GPU's result could be read back.
 */
const MIN_WORK = 2 ** 20;
/**
 * Float32 bidiagonalisation has been seen to miss the relative gate (`GATES`) on the last values: for matrices with a
 * ratio of sides below this in one workgroup (40×48: 5e-6), and for blocked ones with fewer entries (200×150: 2.8e-6). The
 * CPU takes those, in a few milliseconds each.
 */
const SQUARE = 1.2;
export const MIN_BLOCKED = 50_000;
/** The longest side that one workgroup takes. */
const MAX_LONG = 4096;
/** Share of the progress allotted to an attempt with Lanczos. */
const ATTEMPT = 0.3;

/**
 * Singular values and the first r left vectors of `matrices` [B, m, n]. On a GPU that suits (`suitsGpu`): k ≤ 32 by the
 * Gram matrix, k ≤ 128 by one workgroup per matrix, others by blocked bidiagonalisation, leading values of large ones by
 * Lanczos, falling back to bidiagonalisation if that fails; in lots that fit the adapter's limits. Otherwise
 * on the CPU. Rejects with `ShapeError`, `NumericError` (NaN or Inf in the input, or a singular value beyond float32), `CancelledError` or `DeviceError`.
 */
export async function svd(
  matrices: Float32Array,
  shape: SvdShape,
  options: SvdOptions = {},
): Promise<SvdOutcome> {
  const { device } = options;
  check(matrices, shape, options);
  const outcome =
    device && suitsGpu(device, shape)
      ? await svdOnGpu(device, matrices, shape, options)
      : await svdOnCpu(matrices, shape, options);
  // Finite entries near the end of float32's range have singular values beyond it.
  if (outcome.sigma.some((value) => !Number.isFinite(value)))
    throw new NumericError(
      'svd: a singular value is beyond the range of float32 (3.4e38)',
      'Use another model or checkpoint: the weights of this one are damaged, or overflow.',
    );
  return outcome;
}

/**
 * Whether the GPU is faster, accurate enough, and can hold a matrix of this shape. A software adapter is 12 to 40 times
 * slower than the CPU path.
 */
export function suitsGpu(device: Device, shape: SvdShape): boolean {
  const { batch, rows, cols } = shape;
  const work = batch * rows * cols * Math.min(rows, cols);
  if (device.info.isFallback || work < MIN_WORK) return false;
  const way = wayFor(device, shape, 'all');
  if (way === 'small') return Math.max(rows, cols) > SQUARE * Math.min(rows, cols);
  return way === 'large' ? rows * cols >= MIN_BLOCKED : way !== undefined;
}

/** `undefined` if the device cannot hold even one matrix. */
function wayFor(device: Device, shape: SvdShape, want: 'all' | 'leading'): Way | undefined {
  const k = Math.min(shape.rows, shape.cols);
  const long = Math.max(shape.rows, shape.cols);
  if (k <= MAX_THIN && lotRoom(device, shape, 'thin') > 0) return 'thin';
  if (k <= MAX_SMALL && long <= MAX_LONG && lotRoom(device, shape, 'small') > 0) return 'small';
  if (want === 'leading' && suitsLanczos(device, shape)) return 'lanczos';
  return largeRoom(device, shape) > 0 ? 'large' : undefined;
}

/** The CPU path, yielding every `SLICE_MS`, also within a matrix. */
export async function svdOnCpu(
  matrices: Float32Array,
  shape: SvdShape,
  options: SvdOptions = {},
): Promise<SvdOutcome> {
  check(matrices, shape, options);
  const { batch, rows, cols, r } = shape;
  const result = emptyResult(shape, options, 'cpu');
  const { values } = result;
  let since = performance.now();
  for (let b = 0; b < batch; b++) {
    throwIfCancelled(options.signal, 'svd');
    const one = matrices.subarray(b * rows * cols, (b + 1) * rows * cols);
    const steps = svdSteps(one, { batch: 1, rows, cols, r });
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done) {
        const { sigma, u, rank } = step.value;
        result.sigma.set(sigma.subarray(0, values), b * values);
        result.u.set(u, b * rows * r);
        result.rank[b] = Math.min(values, rank[0] as number);
        options.onProgress?.((b + 1) / batch);
      } else if (performance.now() - since > SLICE_MS) options.onProgress?.((b + step.value) / batch);
      if (performance.now() - since > SLICE_MS) {
        await yieldToEventLoop();
        since = performance.now();
        throwIfCancelled(options.signal, 'svd');
      }
      if (step.done) break;
    }
  }
  return result;
}

/** The GPU path, wherever a matrix fits, even on software adapters and for little work. Rejects like `svd`. */
export async function svdOnGpu(
  device: Device,
  matrices: Float32Array,
  shape: SvdShape,
  options: SvdOptions = {},
): Promise<SvdOutcome> {
  check(matrices, shape, options);
  throwIfCancelled(options.signal, 'svd');
  const { rows, cols } = shape;
  const way = wayFor(device, shape, options.want ?? 'all');
  if (!way) {
    throw new TooLargeError(
      `svd: a ${rows} × ${cols} matrix is larger than this GPU can take`,
      'Choose WASM in the Model panel, or fewer samples.',
    );
  }
  if (way === 'thin' || way === 'small') {
    return outcome(shape, options, way, await svdInLots(device, matrices, shape, options, way));
  }
  const { signal, onProgress } = options;
  let start = 0;
  if (way === 'lanczos') {
    const found = await svdLanczos(device, matrices, shape, {
      signal,
      onProgress: (share) => onProgress?.(share === 1 ? 1 : ATTEMPT * share),
    });
    if (found) return outcome(shape, options, 'lanczos', found);
    start = ATTEMPT;
  }
  const found = await svdLarge(device, matrices, shape, {
    signal,
    onProgress: (share) => onProgress?.(start + (1 - start) * share),
  });
  return outcome(shape, options, 'large', found);
}

function check(matrices: Float32Array, shape: SvdShape, { want }: SvdOptions): void {
  checkSvd(matrices.length, shape);
  if (want === 'leading' && shape.r === 0) {
    throw new ShapeError('svd: r = 0 leading values requested, expected 1 or more');
  }
}

function emptyResult(shape: SvdShape, { want }: SvdOptions, way: keyof typeof KERNELS): SvdOutcome {
  const { batch, rows, cols, r } = shape;
  const values = want === 'leading' ? r : Math.min(rows, cols);
  return {
    sigma: new Float32Array(batch * values),
    u: new Float32Array(batch * rows * r),
    rank: new Int32Array(batch),
    values,
    kernel: KERNELS[way],
  };
}

/** The result from `found`, whose `sigma` may hold more values per matrix than requested. */
function outcome(
  shape: SvdShape,
  options: SvdOptions,
  way: Way,
  found: Pick<SvdResult, 'sigma' | 'u'>,
): SvdOutcome {
  const { batch, rows, cols } = shape;
  const result = { ...emptyResult(shape, options, way), u: found.u };
  const { values } = result;
  const held = found.sigma.length / batch;
  for (let b = 0; b < batch; b++) {
    const sigma = found.sigma.subarray(b * held, b * held + values);
    result.sigma.set(sigma, b * values);
    result.rank[b] = numericalRank(sigma, rows, cols);
  }
  return result;
}
