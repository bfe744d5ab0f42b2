import type { HostTensor } from '../../base/dtype';
import type { Device } from '../../device/device';
import type { Tensor } from '../../graph/graph';
import type { Executable } from '../../runtime/executable';
import type { Runtime } from '../../runtime/runtime';
import type { DeviceTensor } from '../../runtime/tensor';

/**
 * A loss on hidden states of the student, besides cross entropy, at the positions that the recipe chooses. It is traced
 * into the step's graph, or, where the step is made of small programs, run on its own, forward and reverse at once.
 */
export interface StateLoss {
  /** Names of its terms, in the order `trace` gives them; a term of weight 0 is not among them. */
  readonly terms: readonly string[];
  /** Weighted scalar terms; targets are read as graph inputs named as in `feeds`. */
  trace(states: Tensor): readonly Tensor[];
  /** The targets of a batch, by input name. @param samples indices into the training set */
  feeds(samples: readonly number[]): Record<string, HostTensor>;
  /**
   * The loss and its gradient by kernels instead: shaders on the runtime's GPU, their CPU twins on WASM. Absent where a
   * loss has none; then it is traced there too.
   * @param shape of the states  @param device the runtime's on WebGPU, undefined on WASM
   */
  kernel?(runtime: Runtime, shape: readonly number[], device: Device | undefined): Promise<LossRun>;
}

/** A state loss made ready to run on its own. */
export interface LossRun {
  /** Weighted terms [n] and the gradient of their sum for the states; overwritten by every run. */
  readonly terms: DeviceTensor;
  readonly cotangent: DeviceTensor;
  /** Programs of the runtime it uses. */
  readonly executables: readonly Executable[];
  /** @param feeds of the batch, as the loss's `feeds` gives them, perhaps with others */
  run(states: DeviceTensor, feeds: Readonly<Record<string, HostTensor>>): Promise<void>;
  dispose(): void;
}
