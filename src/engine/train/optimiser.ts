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

/** Clips by the global norm, then AdamW on every parameter, in place. */
export interface Optimiser {
  /** @returns the norm before clipping; where it is not finite nothing was changed. */
  update(
    gradients: readonly DeviceTensor[],
    learningRate: number,
  ): Promise<{ norm: number; finite: boolean }>;
  dispose(): void;
}

/** On host tensors. */
export function hostOptimiser(parameters: readonly DeviceTensor[], spec: OptimiserSpec): Optimiser {
  const first = parameters.map((p) => new Float32Array(p.data.length));
  const second = parameters.map((p) => new Float32Array(p.data.length));
  let step = 0;
  return {
    async update(gradients, learningRate) {
      const data = gradients.map((g) => g.data as Float32Array);
      const norm = gradNormCpu(data, spec.clip);
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
      return { norm: norm[0] as number, finite };
    },
    dispose() {},
  };
}
