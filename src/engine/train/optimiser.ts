import { adamWCpu } from '../kernels/adamw/adamw.cpu';
import { gradNormCpu } from '../kernels/gradnorm/gradnorm.cpu';
import type { Parameter } from '../nn/parameter-set';
import type { DeviceTensor } from '../runtime/tensor';

/** AdamW's constants; the learning rate is given at each step. */
export interface OptimiserSpec {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Largest global gradient norm. */
  readonly clip: number;
}

export interface OptimiserOutput {
  /** Before clipping. */
  readonly norm: number;
  /** Whether all gradients and terms are finite; if not, nothing was changed. */
  readonly finite: boolean;
  readonly terms: readonly number[];
}

/** AdamW's state: everything from the past that the next update depends on. */
export interface OptimiserState {
  /** Number of updates done. */
  readonly step: number;
  /** First and second moments, in the order of the parameters. */
  readonly first: readonly Float32Array<ArrayBuffer>[];
  readonly second: readonly Float32Array<ArrayBuffer>[];
}

/** Clips by the global norm, then AdamW on every parameter, in place. */
export interface Optimiser {
  /**
   * The only place in a training step where anything is read back, after everything has been submitted.
   * @param terms the step's loss terms
   */
  update(
    gradients: readonly DeviceTensor[],
    learningRate: number,
    terms: DeviceTensor,
  ): Promise<OptimiserOutput>;
  /** Copies of the moments; an optimiser made from them continues to the same bits. */
  state(): Promise<OptimiserState>;
  dispose(): void;
}

/** Group of a parameter: with or without weight decay, and with a factor on the learning rate. */
export type Group = Pick<Parameter, 'decay' | 'rateFactor'>;

/** AdamW's settings for a parameter's group. */
export const settingsOf = (spec: OptimiserSpec, group: Group | undefined, lr: number, step: number) => ({
  ...spec,
  eps: spec.epsilon,
  weightDecay: group?.decay === false ? 0 : spec.weightDecay,
  lr: lr * (group?.rateFactor ?? 1),
  step,
});

/**
 * An optimiser on host tensors.
 * @param groups one per parameter; by default all decay at the learning rate itself
 * @param from the state in which an earlier optimiser of the same parameters ended; by default moments of 0
 */
export function hostOptimiser(
  parameters: readonly DeviceTensor[],
  spec: OptimiserSpec,
  groups: readonly Group[] = [],
  from?: OptimiserState,
): Optimiser {
  const state = parameters.map((parameter, i) => {
    const { length } = parameter.data;
    const moment = (earlier: Float32Array | undefined) => earlier?.slice() ?? new Float32Array(length);
    return {
      parameter,
      first: moment(from?.first[i]),
      second: moment(from?.second[i]),
      group: groups[i],
    };
  });
  let step = from?.step ?? 0;
  return {
    async update(gradients, learningRate, terms) {
      const data = gradients.map((g) => g.data as Float32Array);
      const values = (await terms.read()) as Float32Array;
      const norm = gradNormCpu(data, spec.clip, [values]);
      const finite = norm[2] !== 0;
      if (finite) {
        step++;
        state.forEach(({ parameter, first, second, group }, i) => {
          const settings = settingsOf(spec, group, learningRate, step);
          adamWCpu(parameter.data as Float32Array, data[i] as Float32Array, first, second, norm, settings);
        });
      }
      return { norm: norm[0] as number, finite, terms: [...values] };
    },
    state: async () => ({
      step,
      first: state.map(({ first }) => new Float32Array(first)),
      second: state.map(({ second }) => new Float32Array(second)),
    }),
    dispose() {},
  };
}
