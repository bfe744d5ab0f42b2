import type { DecoderConfig } from './config';

/**
 * Rotary tables of columns [from, from + count): cos and sin of position / θ^(2i/d), [count, d/2] each, computed in
 * float64 (the GPU's own sine errs by 2e-4).
 */
export function ropeTables(
  config: DecoderConfig,
  from: number,
  count: number,
): { cos: Float32Array<ArrayBuffer>; sin: Float32Array<ArrayBuffer> } {
  const half = config.headDim / 2;
  const cos = new Float32Array(count * half);
  const sin = new Float32Array(count * half);
  for (let p = 0; p < count; p++)
    for (let i = 0; i < half; i++) {
      const angle = (from + p) / config.ropeTheta ** (i / half);
      cos[p * half + i] = Math.cos(angle);
      sin[p * half + i] = Math.sin(angle);
    }
  return { cos, sin };
}
