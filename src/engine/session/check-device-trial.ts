import type { Device } from '../device/device';
import { KERNEL_TOLERANCE } from '../kernels/shared/golden';
import type { Workspace } from '../kernels/shared/workspace';

/** What an error is of, and how large it may be. */
export interface Measure {
  readonly measure: string;
  readonly tolerance: number;
}

/** One kernel's stored cases. Both runs give the case's largest error by each of `measures`. */
export interface KernelTrial<C = unknown> {
  readonly kernel: string;
  readonly measures: readonly Measure[];
  readonly cases: readonly C[];
  onCpu(c: C): readonly number[] | Promise<readonly number[]>;
  /** Compiles the kernel; the result runs one case in buffers that the caller frees. */
  onGpu(device: Device): Promise<(c: C, space: Workspace) => Promise<readonly number[]>>;
}

/** The gate of every kernel but the decomposition and the conversion. */
export const relative = (of: string): Measure => ({
  measure: `${of}, relative`,
  tolerance: KERNEL_TOLERANCE,
});
