import { NumericError, throwIfCancelled } from '../../base/errors';
import type { Batch } from '../../device/batch';
import type { DeviceBuffer } from '../../device/buffer';
import type { Device } from '../../device/device';
import { packUniforms } from '../../device/uniforms';
import { expectBytes } from '../shared/check';
import { checkSvd, numericalRank, type SvdResult, type SvdShape, svdCpu } from './svd.cpu';
import code from './svd.wgsl?raw';

/** How a decomposition is run. */
export interface SvdOptions {
  /** Used where it pays (`suitsGpu`); otherwise, and by default, the CPU. */
  readonly device?: Device;
  /** Checked between matrices (CPU) or dispatches (GPU); an abort rejects with `CancelledError`. */
  readonly signal?: AbortSignal;
  /** Called with the share done, 0 … 1, as often. */
  readonly onProgress?: (share: number) => void;
}

/** Longest stretch of CPU work, in ms, between two chances to cancel. */
const SLICE_MS = 30;

/** Matrices a dispatch, at most: a dispatch cannot be cancelled, and browsers kill those that run for seconds. */
const MOST_MATRICES = 16;

/**
 * All singular values and the first r left vectors of `matrices` [B, m, n]. Rejects with `ShapeError`, `NumericError`
 * (NaN or Inf in the input), `CancelledError` or `DeviceError`.
 */
export async function svd(
  matrices: Float32Array,
  shape: SvdShape,
  options: SvdOptions = {},
): Promise<SvdResult> {
  const { device } = options;
  return device && suitsGpu(device, shape)
    ? svdOnGpu(device, matrices, shape, options)
    : svdOnCpu(matrices, shape, options);
}

/** One workgroup takes a matrix up to 128 × 4096; a software adapter is 12 to 40 times slower than the CPU path. */
export function suitsGpu(device: Device, { rows, cols }: SvdShape): boolean {
  return !device.info.isFallback && Math.min(rows, cols) <= 128 && Math.max(rows, cols) <= 4096;
}

/** The CPU path, giving way between matrices. */
export async function svdOnCpu(
  matrices: Float32Array,
  shape: SvdShape,
  options: SvdOptions = {},
): Promise<SvdResult> {
  checkSvd(matrices.length, shape);
  const { batch, rows, cols, r } = shape;
  const result = emptyResult(shape);
  const k = Math.min(rows, cols);
  let since = performance.now();
  for (let b = 0; b < batch; b++) {
    throwIfCancelled(options.signal, 'svd');
    const one = svdCpu(matrices.subarray(b * rows * cols, (b + 1) * rows * cols), {
      batch: 1,
      rows,
      cols,
      r,
    });
    result.sigma.set(one.sigma, b * k);
    result.u.set(one.u, b * rows * r);
    result.rank.set(one.rank, b);
    options.onProgress?.((b + 1) / batch);
    if (performance.now() - since > SLICE_MS) {
      await new Promise((resume) => setTimeout(resume));
      since = performance.now();
    }
  }
  return result;
}

/** The GPU path from and to host memory, in dispatches of a few matrices. */
export async function svdOnGpu(
  device: Device,
  matrices: Float32Array,
  shape: SvdShape,
  options: SvdOptions = {},
): Promise<SvdResult> {
  checkSvd(matrices.length, shape);
  throwIfCancelled(options.signal, 'svd');
  const { batch, rows, cols, r } = shape;
  const k = Math.min(rows, cols);
  const size = rows * cols;
  const run = await createSvd(device);
  const result = emptyResult(shape);
  const room = Math.floor(
    device.limits.maxStorageBufferBindingSize / (svdScratch({ ...shape, batch: 1 }) + size * 4),
  );
  const most = Math.max(1, Math.min(MOST_MATRICES, batch, room));
  const made: DeviceBuffer[] = [];
  const buffer = (floats: number, label: string) => {
    const b = device.createBuffer(floats * 4, `svd ${label}`);
    made.push(b);
    return b;
  };
  try {
    const a = buffer(most * size, 'input');
    const out = {
      sigma: buffer(most * k, 'sigma'),
      u: buffer(most * rows * Math.max(1, r), 'u'),
      bad: buffer(most, 'flags'),
      scratch: buffer(svdScratch({ ...shape, batch: most }) / 4, 'scratch'),
    };
    for (let first = 0; first < batch; first += most) {
      throwIfCancelled(options.signal, 'svd');
      const count = Math.min(most, batch - first);
      device.write(a, matrices.subarray(first * size, (first + count) * size));
      device.record('svd', (b) => run(b, a, out, { ...shape, batch: count }));
      const bad = new Uint32Array(await device.read(out.bad, count * 4)).indexOf(1);
      if (bad >= 0) throw new NumericError(`svd: matrix ${first + bad} holds NaN or Inf`);
      const sigma = await device.readF32(out.sigma, count * k);
      result.sigma.set(sigma, first * k);
      if (r > 0) result.u.set(await device.readF32(out.u, count * rows * r), first * rows * r);
      for (let i = 0; i < count; i++) {
        result.rank[first + i] = numericalRank(sigma.subarray(i * k, (i + 1) * k), rows, cols);
      }
      options.onProgress?.((first + count) / batch);
    }
    return result;
  } finally {
    for (const b of made) b.destroy();
  }
}

export interface SvdOutputs {
  /** [B, k]. */
  readonly sigma: DeviceBuffer;
  /** [B, m, r]; at least 4 bytes where r = 0. */
  readonly u: DeviceBuffer;
  /** [B] u32: 1 where the matrix holds NaN or Inf, and its results mean nothing. */
  readonly bad: DeviceBuffer;
  /** Working space of `svdScratch` bytes. */
  readonly scratch: DeviceBuffer;
}

/** Floats of working space a matrix: the layout at the head of `decompose` in svd.wgsl. */
function stride({ rows, cols, r }: SvdShape): number {
  const q = Math.min(rows, cols);
  return rows * cols + 4 * q + r + Math.max(2 * q, rows) * r + 10 * q * r;
}

/** Bytes of working space. */
export const svdScratch = (shape: SvdShape): number => shape.batch * stride(shape) * 4;

/** Records the decomposition of a [B, m, n], buffer to buffer. Throws `ShapeError`. */
export type SvdKernel = (batch: Batch, a: DeviceBuffer, out: SvdOutputs, shape: SvdShape) => void;

/** Compiles the kernel (once a device). Rejects with `DeviceError`. */
export async function createSvd(device: Device): Promise<SvdKernel> {
  const bindings = ['read', 'write', 'write', 'write', 'write', 'uniform'] as const;
  const pipeline = await device.pipeline(code, 'decompose', bindings, 'svd');
  return (batch, a, out, shape) => {
    const { batch: matrices, rows, cols, r } = shape;
    checkSvd(matrices * rows * cols, shape);
    expectBytes('svd', 'a', a.bytes, [matrices, rows, cols]);
    expectBytes('svd', 'sigma', out.sigma.bytes, [matrices, Math.min(rows, cols)]);
    expectBytes('svd', 'u', out.u.bytes, [matrices, rows, r]);
    expectBytes('svd', 'bad', out.bad.bytes, [matrices]);
    expectBytes('svd', 'scratch', out.scratch.bytes, [matrices, stride(shape)]);
    const uniforms = packUniforms(['u', rows], ['u', cols], ['u', r], ['u', stride(shape)]);
    batch.dispatch(pipeline, [a, out.sigma, out.u, out.bad, out.scratch], uniforms, [matrices]);
  };
}

function emptyResult({ batch, rows, cols, r }: SvdShape): SvdResult {
  return {
    sigma: new Float32Array(batch * Math.min(rows, cols)),
    u: new Float32Array(batch * rows * r),
    rank: new Int32Array(batch),
  };
}
