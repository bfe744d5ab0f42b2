import { ShapeError } from '../base/errors';
import { Rng } from '../base/rng';
import type { SvdOptions } from '../kernels/svd/svd';
import type { GatheredStates } from './gathered';
import { randomRows, rowDirections } from './layer-directions';
import { Pace } from './pace';
import { transposed } from './rows';
import { type StackedMatrix, stacked } from './stacks';
import { principalAngleSteps } from './subspace';

export interface AngleOptions extends SvdOptions {
  /** r: dimension of each subspace, at most H and the number of rows of either. */
  readonly rank: number;
  /** 1 … L of both, ascending. */
  readonly layers: readonly number[];
  /** Subtracts each layer's mean row first. */
  readonly centre: boolean;
  /** Seed of the random subspaces. */
  readonly seed: number;
}

/** [layers, r] each, radians, ascending; NaN beyond what the hidden states span, at the same places in both. */
export interface LayerAngles {
  readonly angles: Float32Array<ArrayBuffer>;
  readonly chance: Float32Array<ArrayBuffer>;
  readonly kernels: readonly string[];
}

/**
 * Principal angles between the leading r right singular vectors of each layer's matrix [ΣN, H] for two models with the
 * same H, and between the first model's and a random subspace of the second one's dimension. If the hidden states span
 * fewer than r directions, only those are compared and the rest is NaN: the rest of a basis has nothing to do with them.
 * Rejects with `ShapeError`, and like `svd`.
 */
export async function layerAngles(
  a: GatheredStates,
  b: GatheredStates,
  options: AngleOptions,
): Promise<LayerAngles> {
  const { rank: r, layers, centre, seed, device, signal, onProgress } = options;
  const { hidden } = a;
  if (b.hidden !== hidden)
    throw new ShapeError(`principal angles: hidden sizes ${hidden} and ${b.hidden}, expected the same`);
  const kernels = new Set<string>();
  const angles = new Float32Array(layers.length * r).fill(Number.NaN);
  const chance = new Float32Array(layers.length * r).fill(Number.NaN);
  const [first, second] = [a, b].map((g) => stacked(g, { stack: 'layer', layers, centre }));
  const pace = new Pace('the angles', signal);
  let done = 0;
  const leading = async (matrix: StackedMatrix | undefined) => {
    const { u, rank, kernel } = await rowDirections(matrix as StackedMatrix, hidden, r, { device, signal });
    kernels.add(kernel);
    onProgress?.(++done / (2 * layers.length));
    return { u: firstColumns(u, hidden, r, rank), rank };
  };
  for (const [p, layer] of layers.entries()) {
    const [x, y] = [await leading(first?.[p]), await leading(second?.[p])];
    if (x.rank === 0 || y.rank === 0) continue;
    const drawn = await randomRows(y.rank, hidden, new Rng(seed).fork(`subspace ${layer}`), pace);
    const random = transposed(drawn, y.rank, hidden, new Float32Array(drawn.length));
    for (const [out, other] of [
      [angles, y.u],
      [chance, random],
    ] as const)
      out.set(await pace.run(principalAngleSteps(x.u, x.rank, other, y.rank, hidden)), p * r);
  }
  return { angles, chance, kernels: [...kernels] };
}

function firstColumns(u: Float32Array<ArrayBuffer>, n: number, r: number, q: number) {
  if (q === r) return u;
  const out = new Float32Array(n * q);
  for (let i = 0; i < n; i++) out.set(u.subarray(i * r, i * r + q), i * q);
  return out;
}
