import type { Batch } from '../../device/batch';
import type { DeviceBuffer } from '../../device/buffer';
import type { SvdShape } from './svd.cpu';

/** Outputs of a kernel that decomposes matrices in a few dispatches. */
export interface SvdOutputs {
  /** [B, k]. */
  readonly sigma: DeviceBuffer;
  /** [B, m, r]; at least 4 bytes if r = 0. */
  readonly u: DeviceBuffer;
  /** [B] u32: 1 if the matrix holds NaN or Inf, and its results are meaningless. */
  readonly bad: DeviceBuffer;
  /** Scratch space. */
  readonly scratch: DeviceBuffer;
}

/** Records the decomposition of a [B, m, n], buffer to buffer. */
export type SvdRecorder = (batch: Batch, a: DeviceBuffer, out: SvdOutputs, shape: SvdShape) => void;
