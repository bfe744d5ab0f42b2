import type { Batch } from '../../device/batch';
import type { DeviceBuffer } from '../../device/buffer';
import type { SvdShape } from './svd.cpu';

/** What a kernel that decomposes matrices in a few dispatches writes. */
export interface SvdOutputs {
  /** [B, k]. */
  readonly sigma: DeviceBuffer;
  /** [B, m, r]; at least 4 bytes where r = 0. */
  readonly u: DeviceBuffer;
  /** [B] u32: 1 where the matrix holds NaN or Inf, and its results mean nothing. */
  readonly bad: DeviceBuffer;
  /** Working space. */
  readonly scratch: DeviceBuffer;
}

/** Records the decomposition of a [B, m, n], buffer to buffer. */
export type SvdRecorder = (batch: Batch, a: DeviceBuffer, out: SvdOutputs, shape: SvdShape) => void;
