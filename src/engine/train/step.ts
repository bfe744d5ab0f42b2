import type { HostTensor } from '../base/dtype';
import type { DeviceTensor } from '../runtime/tensor';

/** A tape that is ready to run. */
export interface TapeRun {
  /** Names of the weighted loss terms, in order; their sum is the loss. */
  readonly terms: readonly string[];
  /** Number of distinct programs and of nodes compiled for it. */
  readonly programs: number;
  readonly nodes: number;
  /**
   * @param parameters in the order of the tape's parameter set
   * @param step from 0; with the tape's seed it decides the random numbers of the run
   * @returns terms, gradients and outputs, in tensors that it owns and overwrites on the next run
   */
  run(
    feeds: Readonly<Record<string, HostTensor>>,
    parameters: readonly DeviceTensor[],
    step?: number,
  ): Promise<TapeOutput>;
  dispose(): Promise<void>;
}

export interface TapeOutput {
  /** [terms], weighted; undefined if the tape has none, and then there are no gradients. */
  readonly terms: DeviceTensor | undefined;
  /** In the order of the parameters. */
  readonly gradients: readonly DeviceTensor[];
  /** The tape's outputs, by name. */
  readonly outputs: Readonly<Record<string, DeviceTensor>>;
}
