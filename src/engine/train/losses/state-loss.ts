import type { HostTensor } from '../../base/dtype';
import type { Device } from '../../device/device';
import type { Tensor } from '../../graph/graph';
import type { Executable } from '../../runtime/executable';
import type { Runtime } from '../../runtime/runtime';
import type { DeviceTensor } from '../../runtime/tensor';

/**
 * A loss on the student's hidden states, besides cross entropy, at positions that the recipe chooses. It is traced into the
 * step's graph or, in a layerwise step, run on its own, forward and reverse at once.
 */
export interface StateLoss {
  /** Names of its terms, in the order of `trace`, without terms of weight 0. */
  readonly terms: readonly string[];
  /** Weighted scalar terms; targets are graph inputs, named as in `feeds`. */
  trace(states: Tensor): readonly Tensor[];
  /** The targets of a batch, by input name. @param samples indices into the training set */
  feeds(samples: readonly number[]): Record<string, HostTensor>;
  /**
   * The loss and its gradient as kernels instead: shaders on the runtime's GPU, their CPU twins on WASM.
   * Absent if the loss has none; then it is always traced.
   * @param shape of the states  @param device the runtime's on WebGPU, undefined on WASM
   */
  kernel?(runtime: Runtime, shape: readonly number[], device: Device | undefined): Promise<LossRun>;
}

/** A state loss ready to run on its own. */
export interface LossRun {
  /** Weighted terms [n], and the gradient of their sum with respect to the states; overwritten by every run. */
  readonly terms: DeviceTensor;
  readonly cotangent: DeviceTensor;
  /** The runtime's programs that it uses. */
  readonly executables: readonly Executable[];
  /** @param feeds the batch's, from the loss's `feeds`; others are ignored */
  run(states: DeviceTensor, feeds: Readonly<Record<string, HostTensor>>): Promise<void>;
  dispose(): void;
}
