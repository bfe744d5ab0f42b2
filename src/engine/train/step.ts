import type { HostTensor } from '../base/dtype';
import type { DeviceTensor } from '../runtime/tensor';

/** A tape made ready to run. */
export interface TapeRun {
  /** Names of the weighted loss terms, in order; their sum is the loss. */
  readonly terms: readonly string[];
  /** Distinct programs and nodes compiled for it. */
  readonly programs: number;
  readonly nodes: number;
  /**
   * @param parameters in the order of the tape's parameter set
   * @returns terms, gradients and outputs in tensors that belong to it and are overwritten by its next run
   */
  run(feeds: Readonly<Record<string, HostTensor>>, parameters: readonly DeviceTensor[]): Promise<TapeOutput>;
  dispose(): Promise<void>;
}

export interface TapeOutput {
  /** [terms], weighted; undefined where the tape has none, and then there are no gradients. */
  readonly terms: DeviceTensor | undefined;
  /** In the order of the parameters. */
  readonly gradients: readonly DeviceTensor[];
  /** What the tape gives out, by name. */
  readonly outputs: Readonly<Record<string, DeviceTensor>>;
}
