import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { DecoderConfig, RopeScaling } from './config';

type Rotary = Pick<DecoderConfig, 'headDim' | 'ropeTheta' | 'ropeScaling'>;

/** Angle per position of each of the d/2 pairs: θ^(−2i/d), scaled where the configuration says so (see `RopeScaling`). */
export function ropeFrequencies(config: Rotary): Float64Array {
  const { headDim, ropeTheta, ropeScaling } = config;
  const half = headDim / 2;
  return Float64Array.from({ length: half }, (_, i) => {
    const frequency = 1 / ropeTheta ** (i / half);
    return ropeScaling ? scaled(frequency, i, ropeScaling, config) : frequency;
  });
}

function scaled(frequency: number, pair: number, scaling: RopeScaling, config: Rotary): number {
  const kept = keptShare(frequency, pair, scaling, config);
  return kept * frequency + ((1 - kept) * frequency) / scaling.factor;
}

/** How much of a frequency stays as it was: 1 all of it, 0 none. */
function keptShare(
  frequency: number,
  pair: number,
  scaling: RopeScaling,
  { headDim, ropeTheta }: Rotary,
): number {
  switch (scaling.type) {
    case 'linear':
      return 0;
    case 'llama3': {
      const { lowFreqFactor, highFreqFactor, originalMaxPositions } = scaling;
      /** How often the wavelength fits the context that the model was first trained with. */
      const turns = (originalMaxPositions * frequency) / (2 * Math.PI);
      return clamp((turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor));
    }
    case 'yarn': {
      // The (real) number of the pair that turns so often within the original positions.
      const pairOf = (turns: number): number =>
        (headDim * Math.log(scaling.originalMaxPositions / (turns * 2 * Math.PI))) /
        (2 * Math.log(ropeTheta));
      const low = Math.max(0, Math.floor(pairOf(scaling.betaFast)));
      const high = Math.min(headDim - 1, Math.ceil(pairOf(scaling.betaSlow)));
      return 1 - clamp((pair - low) / (high === low ? 0.001 : high - low));
    }
  }
}

const clamp = (x: number): number => Math.min(1, Math.max(0, x));

export interface RopeTables {
  readonly cos: Float32Array<ArrayBuffer>;
  readonly sin: Float32Array<ArrayBuffer>;
}

/** Rotary tables in a graph: [S, d/2] of a segment's columns, or [B, 1, S, d/2] where each row has positions of its own. */
export interface RopeTensors {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/**
 * Rotary tables of columns [from, from + count): cos and sin of position · frequency (times YaRN's attention factor),
 * [count, d/2] each, computed in float64 (the GPU's own sine is off by up to 2e-4).
 */
export function ropeTables(config: Rotary, from: number, count: number): RopeTables {
  return ropeTablesAt(
    config,
    Array.from({ length: count }, (_, p) => from + p),
  );
}

/** The same for given positions, [positions.length, d/2]. */
export function ropeTablesAt(config: Rotary, positions: ArrayLike<number>): RopeTables {
  const frequencies = ropeFrequencies(config);
  const { ropeScaling } = config;
  const factor = ropeScaling?.type === 'yarn' ? ropeScaling.attentionFactor : 1;
  const half = frequencies.length;
  const cos = new Float32Array(positions.length * half);
  const sin = new Float32Array(positions.length * half);
  for (let p = 0; p < positions.length; p++)
    for (let i = 0; i < half; i++) {
      const angle = (positions[p] as number) * (frequencies[i] as number);
      cos[p * half + i] = factor * Math.cos(angle);
      sin[p * half + i] = factor * Math.sin(angle);
    }
  return { cos, sin };
}

/** Queries or keys [B, heads, S, d] turned by their positions; unchanged without tables. */
export function rotated(x: Tensor, tables: RopeTensors | undefined): Tensor {
  if (!tables) return x;
  const { cos, sin } = tables;
  return cos.shape.length === 2 ? o.rope(x, cos, sin) : ropeByRow(x, cos, sin);
}

/**
 * The rotation with one table per row of the batch, for rows whose positions differ from their columns.
 * @param x [B, heads, S, d]  @param cos, sin [B, 1, S, d/2]
 */
function ropeByRow(x: Tensor, cos: Tensor, sin: Tensor): Tensor {
  const half = (x.shape[3] as number) / 2;
  const [a, b] = [o.slice(x, 3, 0, half), o.slice(x, 3, half, 2 * half)];
  return o.concat([o.sub(o.mul(a, cos), o.mul(b, sin)), o.add(o.mul(b, cos), o.mul(a, sin))], 3);
}
