import { throwIfCancelled } from '../../base/errors';
import { checkSvd, type SvdResult, type SvdShape, svdCpu } from './svd.cpu';

/** How a decomposition is run. */
export interface SvdOptions {
  /** Checked between matrices; an abort rejects with `CancelledError`. */
  readonly signal?: AbortSignal;
  /** Called with the share done, 0 … 1, between matrices. */
  readonly onProgress?: (share: number) => void;
}

/** Longest stretch of work, in ms, between two chances to cancel. */
const SLICE_MS = 30;

/**
 * All singular values and the first r left vectors of `matrices` [B, m, n], on the CPU, giving way between matrices.
 * Rejects with `ShapeError`, `NumericError` (NaN or Inf in the input) or `CancelledError`.
 */
export async function svd(
  matrices: Float32Array,
  shape: SvdShape,
  options: SvdOptions = {},
): Promise<SvdResult> {
  checkSvd(matrices.length, shape);
  const { batch, rows, cols, r } = shape;
  const k = Math.min(rows, cols);
  const sigma = new Float32Array(batch * k);
  const u = new Float32Array(batch * rows * r);
  const rank = new Int32Array(batch);
  let since = performance.now();
  for (let b = 0; b < batch; b++) {
    throwIfCancelled(options.signal, 'svd');
    const one = svdCpu(matrices.subarray(b * rows * cols, (b + 1) * rows * cols), {
      batch: 1,
      rows,
      cols,
      r,
    });
    sigma.set(one.sigma, b * k);
    u.set(one.u, b * rows * r);
    rank.set(one.rank, b);
    options.onProgress?.((b + 1) / batch);
    if (performance.now() - since > SLICE_MS) {
      await new Promise((resume) => setTimeout(resume));
      since = performance.now();
    }
  }
  return { sigma, u, rank };
}
