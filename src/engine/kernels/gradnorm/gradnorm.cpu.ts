import { ShapeError } from '../../base/errors';
import { firstNonFinite } from '../shared/check';

/**
 * Global gradient norm over several buffers and the factor that clips it, like torch.nn.utils.clip_grad_norm_:
 * [norm, clip = min(1, maxNorm / (norm + 1e-6)), finite (1 or 0), sum of squares]. maxNorm = Infinity: no clipping.
 * finite is 0 if an element is NaN or Inf (by exponent bits) or the sum of squares exceeds float32. Buffers are summed in
 * the given order. `guards` (the loss terms, say) are in no sum, but if one of their elements is NaN or Inf, finite is 0
 * too. Throws `ShapeError` if there is no buffer or maxNorm is not above 0.
 */
export function gradNormCpu(
  grads: readonly Float32Array[],
  maxNorm: number,
  guards: readonly Float32Array[] = [],
): Float32Array<ArrayBuffer> {
  checkGradNorm(grads.length, maxNorm);
  let sum = 0;
  let finite = 1;
  for (const grad of grads) {
    for (let i = 0; i < grad.length; i++) sum += (grad[i] as number) ** 2;
    if (firstNonFinite(grad) >= 0) finite = 0;
  }
  if (guards.some((guard) => firstNonFinite(guard) >= 0)) finite = 0;
  if (!(Math.fround(sum) < Infinity)) finite = 0;
  const norm = Math.sqrt(sum);
  return new Float32Array([norm, Math.min(1, maxNorm / (norm + 1e-6)), finite, sum]);
}

export function checkGradNorm(buffers: number, maxNorm: number): void {
  if (buffers < 1) throw new ShapeError('gradnorm: no gradient buffers given, expected at least one');
  if (!(maxNorm > 0)) throw new ShapeError(`gradnorm: maxNorm must be above 0, got ${maxNorm}`);
}
