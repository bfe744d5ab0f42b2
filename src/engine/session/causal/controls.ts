import type { CausalDirections } from '../../../contract/lens';
import type { GatheredStates } from '../../analysis/gathered';
import type { Rng } from '../../base/rng';
import type { Device } from '../../device/device';
import {
  type Directions,
  directionsFor,
  energiesOf,
  leadingDirections,
  randomDirections,
} from './directions';

/** The leading directions of one layer, the random ones they are compared with, and the energy that each keeps. */
export interface LayerDirections {
  readonly layer: number;
  readonly leading: Measured;
  /** All H of them, so that any number can be taken to match the energy; null if not requested. */
  readonly random: Measured | null;
  /** Σ‖h − c‖². */
  readonly total: number;
}

interface Measured {
  readonly directions: Directions;
  /** Energy of the hidden states along each direction. */
  readonly energies: Float64Array;
}

/** @param r leading directions to find  @param rng for random directions; null for none. Rejects with `CancelledError`. */
export async function layerDirections(
  gathered: GatheredStates,
  layer: number,
  r: number,
  centred: boolean,
  rng: Rng | null,
  { device, signal }: { readonly device?: Device | undefined; readonly signal?: AbortSignal | undefined },
): Promise<LayerDirections> {
  const options = { ...(device && { device }), ...(signal && { signal }) };
  const directions = await leadingDirections(gathered, layer, r, centred, options);
  const { energies, total } = await energiesOf(gathered, layer, directions, signal);
  let random: Measured | null = null;
  if (rng) {
    const drawn = await randomDirections(directions, gathered.hidden, rng, signal);
    random = { directions: drawn, ...(await energiesOf(gathered, layer, drawn, signal)) };
  }
  return { layer, leading: { directions, energies }, random, total };
}

/** The directions projected onto at one rank. */
export interface Kept {
  readonly directions: Directions;
  readonly count: number;
  /** See `projectionOf`. */
  readonly lastWeight: number;
  /** Share of the hidden states' energy that is kept. */
  readonly energy: number;
}

/** Rank H leaves the hidden states unchanged, whichever directions span them. @param rank at most the number found, or H */
export function keptAt(found: LayerDirections, kind: CausalDirections, rank: number): Kept {
  const { leading, random, total } = found;
  const source = kind === 'leading' ? leading : (random ?? leading);
  const { directions } = source;
  if (rank === directions.hidden) return { directions, count: rank, lastWeight: 1, energy: 1 };
  const shareOf = (energy: number): number => (total > 0 ? energy / total : 0);
  if (kind !== 'equal-energy')
    return { directions, count: rank, lastWeight: 1, energy: shareOf(sum(source.energies, rank)) };
  const wanted = sum(leading.energies, rank);
  const { count, lastWeight } = directionsFor(source.energies, wanted);
  const whole = lastWeight === 1 ? count : count - 1;
  const part = count > whole ? lastWeight ** 2 * (source.energies[count - 1] as number) : 0;
  return { directions, count, lastWeight, energy: shareOf(sum(source.energies, whole) + part) };
}

const sum = (values: Float64Array, count: number): number =>
  values.subarray(0, count).reduce((total, value) => total + value, 0);
