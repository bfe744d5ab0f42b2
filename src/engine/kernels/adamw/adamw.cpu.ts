import { ShapeError } from '../../base/errors';
import { expectLength } from '../shared/check';

/** One step of AdamW, with the semantics of torch.optim.AdamW. */
export interface AdamWStep {
  /** Learning rate of this step. */
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Decoupled: the parameter shrinks by lr·weightDecay; the moments are unaffected. */
  readonly weightDecay: number;
  /** 1 on the first step; bias correction uses it. */
  readonly step: number;
}

/** The factors of a step that do not depend on elements; computed once, in float64, for both the twin and the shader. */
export function stepFactors(s: AdamWStep): { decay: number; stepSize: number; rootCorrection: number } {
  if (!Number.isInteger(s.step) || s.step < 1) {
    throw new ShapeError(`adamw: step must be a positive integer, got ${s.step}`);
  }
  return {
    decay: 1 - s.lr * s.weightDecay,
    stepSize: s.lr / (1 - s.beta1 ** s.step),
    rootCorrection: Math.sqrt(1 - s.beta2 ** s.step),
  };
}

/**
 * Updates param, m and v in place, all flat and of the same length; grad is read. `norm` is the output of the gradient
 * norm, [norm, clip, finite, sum of squares]: grad is multiplied by clip, and if finite is 0 nothing is changed, so that
 * one bad step does not destroy the run. Throws `ShapeError`.
 */
export function adamWCpu(
  param: Float32Array,
  grad: Float32Array,
  m: Float32Array,
  v: Float32Array,
  norm: Float32Array,
  s: AdamWStep,
): void {
  const shape = [param.length];
  expectLength('adamw', 'grad', grad.length, shape);
  expectLength('adamw', 'm', m.length, shape);
  expectLength('adamw', 'v', v.length, shape);
  expectLength('adamw', 'norm', norm.length, [4]);
  const { decay, stepSize, rootCorrection } = stepFactors(s);
  if (norm[2] === 0) return;
  const clip = norm[1] as number;
  for (let i = 0; i < param.length; i++) {
    const g = (grad[i] as number) * clip;
    const mi = s.beta1 * (m[i] as number) + (1 - s.beta1) * g;
    const vi = s.beta2 * (v[i] as number) + (1 - s.beta2) * g * g;
    m[i] = mi;
    v[i] = vi;
    param[i] = (param[i] as number) * decay - (stepSize * mi) / (Math.sqrt(vi) / rootCorrection + s.eps);
  }
}
