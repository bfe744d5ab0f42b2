import type { Device } from '../device/device';
import { KERNEL_TOLERANCE } from '../kernels/shared/golden';
import type { Workspace } from '../kernels/shared/workspace';

/** What an error measures, and how large it may be. */
export interface Measure {
  readonly measure: string;
  readonly tolerance: number;
}

/** The largest error of a case by each measure, and what ran it if that is not the trial's own kernel. */
export type CaseResult = readonly number[] | { readonly kernel: string; readonly errors: readonly number[] };

/** One kernel's stored cases. Without `onGpu` they always run on the CPU; without `onCpu` only on the GPU. */
export interface KernelTrial<C = unknown> {
  readonly kernel: string;
  readonly measures: readonly Measure[];
  readonly cases: readonly C[];
  onCpu?(c: C): CaseResult | Promise<CaseResult>;
  /** Compiles the kernel; the result runs one case in buffers that the caller frees. */
  onGpu?(device: Device): Promise<(c: C, space: Workspace) => Promise<CaseResult>>;
}

/** The gate of every kernel but the decomposition and the conversion. */
export const relative = (of: string): Measure => ({
  measure: `${of}, relative`,
  tolerance: KERNEL_TOLERANCE,
});
