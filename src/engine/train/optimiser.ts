import { adamWCpu } from '../kernels/adamw/adamw.cpu';
import { gradNormCpu } from '../kernels/gradnorm/gradnorm.cpu';
import type { DeviceTensor } from '../runtime/tensor';

/** AdamW's constants; the learning rate comes with each step. */
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
  /** Whether all gradients and terms are; where not, nothing was changed. */
  readonly finite: boolean;
  readonly terms: readonly number[];
}

/** Clips by the global norm, then AdamW on every parameter, in place. */
export interface Optimiser {
  /**
   * The one place of a training step where anything is read back, after all of it was submitted.
   * @param terms the step's loss terms
   */
  update(
    gradients: readonly DeviceTensor[],
    learningRate: number,
    terms: DeviceTensor,
  ): Promise<OptimiserOutput>;
  dispose(): void;
}

/** On host tensors. */
export function hostOptimiser(parameters: readonly DeviceTensor[], spec: OptimiserSpec): Optimiser {
  const first = parameters.map((p) => new Float32Array(p.data.length));
  const second = parameters.map((p) => new Float32Array(p.data.length));
  let step = 0;
  return {
    async update(gradients, learningRate, terms) {
      const data = gradients.map((g) => g.data as Float32Array);
      const values = (await terms.read()) as Float32Array;
      const norm = gradNormCpu(data, spec.clip, [values]);
      const finite = norm[2] !== 0;
      if (finite) {
        step++;
        const now = { ...spec, eps: spec.epsilon, lr: learningRate, step };
        parameters.forEach((p, i) => {
          adamWCpu(
            p.data as Float32Array,
            data[i] as Float32Array,
            first[i] as Float32Array,
            second[i] as Float32Array,
            norm,
            now,
          );
        });
      }
      return { norm: norm[0] as number, finite, terms: [...values] };
    },
    dispose() {},
  };
}
