import type { CausalDirections } from '../../../contract/lens';
import type { GatheredStates } from '../../analysis/gathered';
import type { Rng } from '../../base/rng';
import type { Device } from '../../device/device';
import { keptAt, type LayerDirections, layerDirections } from '../causal/controls';
import { lengthOf, type Thoughts } from './replaced';

/** Principal directions of all thoughts around their mean, and random ones with the energy that each keeps. */
export function thoughtDirections(
  thoughts: Thoughts,
  maxRank: number,
  rng: Rng,
  options: { readonly device?: Device | undefined; readonly signal?: AbortSignal | undefined },
): Promise<LayerDirections> {
  const { hidden } = thoughts;
  const states = existing(thoughts);
  const tokens = states.length / hidden;
  const sample = { id: '', about: '', tokens, states, sections: new Uint8Array(tokens), texts: [] };
  const gathered: GatheredStates = { layers: 1, hidden, samples: [sample] };
  return layerDirections(gathered, 1, maxRank, true, rng, options);
}

/**
 * Every thought projected onto directions around the mean thought, [n, K, H], and the number of directions.
 */
export function projectThoughts(
  { values, hidden: H }: Thoughts,
  found: LayerDirections,
  of: CausalDirections,
  rank: number,
): { readonly values: Float32Array<ArrayBuffer>; readonly directions: number } {
  const { directions, count, lastWeight } = keptAt(found, of, rank);
  const { rows, centre } = directions;
  const out = new Float32Array(values.length);
  const sum = new Float64Array(H);
  for (let from = 0; from < values.length; from += H) {
    sum.set(centre);
    for (let k = 0; k < count; k++) {
      let dot = 0;
      for (let i = 0; i < H; i++)
        dot += ((values[from + i] as number) - (centre[i] as number)) * (rows[k * H + i] as number);
      const weight = dot * (k === count - 1 ? lastWeight : 1);
      for (let i = 0; i < H; i++) sum[i] = (sum[i] as number) + weight * (rows[k * H + i] as number);
    }
    out.set(sum, from);
  }
  return { values: out, directions: count };
}

/** All existing thoughts, one after another. */
function existing(thoughts: Thoughts): Float32Array<ArrayBuffer> {
  const { values, problems, steps, hidden, lengths } = thoughts;
  if (!lengths) return values;
  const count = lengths.reduce((sum, length) => sum + length, 0);
  const out = new Float32Array(count * hidden);
  let at = 0;
  for (let b = 0; b < problems; b++) {
    const length = lengthOf(thoughts, b) * hidden;
    out.set(values.subarray(b * steps * hidden, b * steps * hidden + length), at);
    at += length;
  }
  return out;
}
