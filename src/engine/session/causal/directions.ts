import type { GatheredStates } from '../../analysis/gathered';
import { randomRows, rowDirections } from '../../analysis/layer-directions';
import { meanOf } from '../../analysis/mode-basis';
import { Pace } from '../../analysis/pace';
import { transposed } from '../../analysis/rows';
import { type StackedMatrix, stacked } from '../../analysis/stacks';
import type { Rng } from '../../base/rng';
import type { Device } from '../../device/device';
import { orthonormaliseSteps } from '../../kernels/shared/eigen';

const WHAT = 'the causal test';

/** Orthonormal directions of one layer's hidden states, and the point they are taken around. */
export interface Directions {
  /** [r, H], one direction per row, in float64. */
  readonly rows: Float64Array<ArrayBuffer>;
  /** c, [H] */
  readonly centre: Float64Array;
  /** H */
  readonly hidden: number;
  /** The kernel that decomposed the hidden states; absent for random directions, and for no directions. */
  readonly kernel?: string;
}

interface DirectionOptions {
  readonly device?: Device;
  /** An abort rejects with `CancelledError`. */
  readonly signal?: AbortSignal;
}

/**
 * The first r right singular vectors of all samples' hidden states of layer ℓ, one position per row, minus
 * their mean if `centred`. Orthonormal to float64, so that projecting onto them projects onto exactly their
 * span.
 * @param layer 1…L  @param r 0 … the number of positions (less one where centred), and at most H
 */
export async function leadingDirections(
  gathered: GatheredStates,
  layer: number,
  r: number,
  centred: boolean,
  options: DirectionOptions = {},
): Promise<Directions> {
  const { hidden } = gathered;
  const layers = [layer];
  const centre = centred ? meanOf([{ gathered, layers }], hidden) : new Float64Array(hidden);
  const rows = new Float64Array(r * hidden);
  if (r > 0) {
    const [matrix] = stacked(gathered, { stack: 'layer', layers, centre: centred });
    const { u, kernel } = await rowDirections(matrix as StackedMatrix, hidden, r, options);
    transposed(u, hidden, r, rows);
    await new Pace(WHAT, options.signal).run(orthonormaliseSteps(rows, r, hidden));
    return { rows, centre, hidden, kernel };
  }
  return { rows, centre, hidden };
}

/** As many random orthonormal directions around the same point. */
export async function randomDirections(
  { centre, hidden }: Directions,
  r: number,
  rng: Rng,
  signal?: AbortSignal,
): Promise<Directions> {
  return { rows: await randomRows(r, hidden, rng, new Pace(WHAT, signal)), centre, hidden };
}

/**
 * Σ (v·(h − c))² over all samples' hidden states h of layer ℓ, for each direction v, [r]; and Σ‖h − c‖², which the energies
 * of H directions add up to. Float64. Rejects with `CancelledError`.
 */
export async function energiesOf(
  gathered: GatheredStates,
  layer: number,
  { rows, centre, hidden: H }: Directions,
  signal?: AbortSignal,
): Promise<{ readonly energies: Float64Array; readonly total: number }> {
  const pace = new Pace(WHAT, signal);
  const energies = new Float64Array(rows.length / H);
  const x = new Float64Array(H);
  let total = 0;
  for (const { states, tokens } of gathered.samples)
    for (let n = 0; n < tokens; n++) {
      const from = (n * gathered.layers + layer - 1) * H;
      for (let i = 0; i < H; i++) {
        x[i] = (states[from + i] as number) - at(centre, i);
        total += at(x, i) ** 2;
      }
      for (let k = 0; k < energies.length; k++) {
        let dot = 0;
        for (let i = 0; i < H; i++) dot += at(x, i) * at(rows, k * H + i);
        energies[k] = at(energies, k) + dot * dot;
      }
      await pace.yieldToEventLoop();
    }
  return { energies, total };
}

/**
 * How many of the directions with these energies, taken in order, keep `energy`. The last one is scaled by
 * `lastWeight` in (0, 1], so that the sum is matched exactly and not overshot by up to a whole direction. No
 * directions for an energy of 0; all of them if together they keep no more than `energy`.
 */
export function directionsFor(
  energies: Float64Array,
  energy: number,
): { readonly count: number; readonly lastWeight: number } {
  let kept = 0;
  for (let k = 0; k < energies.length; k++) {
    if (energy <= kept) return { count: k, lastWeight: 1 };
    const next = at(energies, k);
    // Scaling by w keeps w² of the energy.
    if (energy < kept + next) return { count: k + 1, lastWeight: Math.sqrt((energy - kept) / next) };
    kept += next;
  }
  return { count: energies.length, lastWeight: 1 };
}

/** h → c + V_r V_rᵀ(h − c) as h·P + s, in float32. */
export interface Projection {
  /** V_r V_rᵀ, [H, H] */
  readonly matrix: Float32Array<ArrayBuffer>;
  /** c − c·P, [H] */
  readonly shift: Float32Array<ArrayBuffer>;
}

/**
 * The projection onto the first r directions, summed in float64. H orthonormal directions span everything:
 * that projection is exactly the identity, so that the model answers as if there were none. Rejects with
 * `CancelledError`.
 * @param r at most the number of directions, or H
 * @param lastWeight factor on the last direction, 0 … 1; below 1 the map is not a projection but shrinks
 * along it
 */
export async function projectionOf(
  { rows, centre, hidden: H }: Directions,
  r: number,
  signal?: AbortSignal,
  lastWeight = 1,
): Promise<Projection> {
  const pace = new Pace(WHAT, signal);
  const sum = new Float64Array(H * H);
  if (r === H && lastWeight === 1) for (let i = 0; i < H; i++) sum[i * H + i] = 1;
  else
    for (let k = 0; k < r; k++) {
      const v = rows.subarray(k * H, (k + 1) * H);
      const weight = k === r - 1 ? lastWeight : 1;
      for (let i = 0; i < H; i++) {
        const vi = weight * at(v, i);
        for (let j = 0; j <= i; j++) sum[i * H + j] = at(sum, i * H + j) + vi * at(v, j);
      }
      await pace.yieldToEventLoop();
    }
  for (let i = 0; i < H; i++) for (let j = 0; j < i; j++) sum[j * H + i] = at(sum, i * H + j);
  const shift = new Float32Array(H);
  for (let j = 0; j < H; j++) {
    let kept = 0;
    for (let i = 0; i < H; i++) kept += at(centre, i) * at(sum, j * H + i);
    shift[j] = at(centre, j) - kept;
  }
  return { matrix: Float32Array.from(sum), shift };
}

const at = (x: Float64Array, i: number): number => x[i] as number;
