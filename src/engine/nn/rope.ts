import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { DecoderConfig } from './config';

/**
 * Rotary tables of columns [from, from + count): cos and sin of position / θ^(2i/d), [count, d/2] each, computed in
 * float64 (the GPU's own sine is off by up to 2e-4).
 */
export function ropeTables(config: DecoderConfig, from: number, count: number): RopeTables {
  return ropeTablesAt(
    config,
    Array.from({ length: count }, (_, p) => from + p),
  );
}

export interface RopeTables {
  readonly cos: Float32Array<ArrayBuffer>;
  readonly sin: Float32Array<ArrayBuffer>;
}

/** The same for given positions, [positions.length, d/2]. */
export function ropeTablesAt(config: DecoderConfig, positions: ArrayLike<number>): RopeTables {
  const half = config.headDim / 2;
  const cos = new Float32Array(positions.length * half);
  const sin = new Float32Array(positions.length * half);
  for (let p = 0; p < positions.length; p++)
    for (let i = 0; i < half; i++) {
      const angle = (positions[p] as number) / config.ropeTheta ** (i / half);
      cos[p * half + i] = Math.cos(angle);
      sin[p * half + i] = Math.sin(angle);
    }
  return { cos, sin };
}

/**
 * The rotation with one table per row of the batch, for rows whose positions differ from their columns.
 * @param x [B, heads, S, d]  @param cos, sin [B, 1, S, d/2]
 */
export function ropeByRow(x: Tensor, cos: Tensor, sin: Tensor): Tensor {
  const half = (x.shape[3] as number) / 2;
  const [a, b] = [o.slice(x, 3, 0, half), o.slice(x, 3, half, 2 * half)];
  return o.concat([o.sub(o.mul(a, cos), o.mul(b, sin)), o.add(o.mul(b, cos), o.mul(a, sin))], 3);
}
