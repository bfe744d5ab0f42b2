import { ShapeError } from '../base/errors';
import { type ChosenStates, meanOf, modeBasis, sampleRows } from './mode-basis';
import { Pace, type Watched } from './pace';

/** Dimensions of the space the points are drawn in. */
const AXES = 3;

/** Points of one model's states, one per sample, token and chosen layer, in that order. */
export interface TrajectoryPoints {
  readonly sample: Int32Array<ArrayBuffer>;
  readonly position: Int32Array<ArrayBuffer>;
  readonly layer: Int32Array<ArrayBuffer>;
  /** See `SampleStates.sections`. */
  readonly section: Uint8Array<ArrayBuffer>;
  /** [points, 3] */
  readonly xyz: Float32Array<ArrayBuffer>;
}

export interface Trajectories {
  /** Share of the energy ‖X‖² (of the variance, with PCA) along each of the three directions. */
  readonly shares: Float32Array<ArrayBuffer>;
  readonly points: readonly TrajectoryPoints[];
}

/** Number of points. */
export const pointCount = ({ gathered, layers }: ChosenStates): number =>
  gathered.samples.reduce((sum, s) => sum + s.tokens, 0) * layers.length;

/**
 * The hidden states of several models with the same hidden size in the first three directions of their common space: the
 * hidden mode of the Tucker decomposition of everything stacked (not centred), or its principal components (centred). In
 * each direction the entry of largest magnitude is positive, so that the picture does not flip between two requests. If
 * H < 3, the missing coordinates are 0. Rejects with `ShapeError` or `CancelledError`.
 */
export async function trajectories(
  chosen: readonly ChosenStates[],
  basis: 'tucker' | 'pca',
  options: Watched = {},
): Promise<Trajectories> {
  const sizes = [...new Set(chosen.map(({ gathered }) => gathered.hidden))];
  const [hidden] = sizes;
  if (hidden === undefined || sizes.length > 1)
    throw new ShapeError(`trajectories: hidden sizes ${sizes.join(' and ')}, expected the same`);
  const r = Math.min(AXES, hidden);
  const mean = basis === 'pca' ? meanOf(chosen, hidden) : undefined;
  const { sigma, vectors, energy } = await modeBasis(chosen, 2, r, { ...options, mean });
  const shares = new Float32Array(AXES);
  for (let c = 0; c < r; c++) shares[c] = energy === 0 ? 0 : (sigma[c] as number) ** 2 / energy;
  const points: TrajectoryPoints[] = [];
  const pace = new Pace('the trajectories', options.signal);
  for (const one of chosen) {
    points.push(pointsOf(one, vectors, r, mean));
    await pace.yieldToEventLoop();
  }
  return { shares, points };
}

function pointsOf(
  chosen: ChosenStates,
  vectors: Float64Array,
  r: number,
  mean: Float64Array | undefined,
): TrajectoryPoints {
  const { layers } = chosen;
  const { hidden } = chosen.gathered;
  const count = pointCount(chosen);
  const out = {
    sample: new Int32Array(count),
    position: new Int32Array(count),
    layer: new Int32Array(count),
    section: new Uint8Array(count),
    xyz: new Float32Array(count * AXES),
  };
  let at = 0;
  let index = 0;
  for (const { sample, x } of sampleRows(chosen, mean)) {
    for (let row = 0; row < sample.tokens * layers.length; row++, at++) {
      const position = Math.floor(row / layers.length);
      out.sample[at] = index;
      out.position[at] = position;
      out.layer[at] = layers[row % layers.length] as number;
      out.section[at] = sample.sections[position] as number;
      for (let c = 0; c < r; c++) {
        let s = 0;
        for (let h = 0; h < hidden; h++)
          s += (x[row * hidden + h] as number) * (vectors[c * hidden + h] as number);
        out.xyz[at * AXES + c] = s;
      }
    }
    index++;
  }
  return out;
}
