import type { TeacherDistance } from '../../../contract/thoughts';
import type { GatheredStates } from '../../analysis/gathered';
import type { Device } from '../../device/device';
import { leadingDirections } from '../causal/directions';
import type { ExplicitChain } from './explicit-chain';
import { dot, norm } from './operations';

/** Most directions of the teacher's rationale for which energy is reported. */
const MAX_DIRECTIONS = 32;

/** The states of a rationale, ready to be compared with: by layer, its states, their mean and their leading directions. */
export interface TeacherSpace {
  readonly texts: readonly string[];
  readonly layers: readonly {
    /** [N][H] */
    readonly states: readonly Float32Array[];
    readonly mean: Float64Array;
    /** [r, H], orthonormal. */
    readonly directions: Float64Array;
  }[];
}

/** @returns null where there is no rationale */
export async function teacherSpace(
  { rationale, states }: ExplicitChain,
  [L, H]: readonly [number, number],
  device: Device | undefined,
): Promise<TeacherSpace | null> {
  const N = rationale.length;
  if (N === 0) return null;
  const sample = {
    id: 'rationale',
    about: '',
    tokens: N,
    states,
    sections: new Uint8Array(N),
    texts: rationale,
  };
  const gathered: GatheredStates = { layers: L, hidden: H, samples: [sample] };
  const layers: TeacherSpace['layers'][number][] = [];
  for (let l = 0; l < L; l++) {
    const rows = Array.from({ length: N }, (_, n) => states.subarray((n * L + l) * H, (n * L + l + 1) * H));
    const mean = new Float64Array(H);
    for (const row of rows)
      for (let i = 0; i < H; i++) mean[i] = (mean[i] as number) + (row[i] as number) / N;
    const r = Math.min(MAX_DIRECTIONS, N, H);
    const found = await leadingDirections(gathered, l + 1, r, false, device && { device });
    layers.push({ states: rows, mean, directions: found.rows });
  }
  return { texts: rationale, layers };
}

/** Where hidden states [L, H] of one position stand, layer by layer. */
export function teacherDistances(hidden: Float32Array, { texts, layers }: TeacherSpace): TeacherDistance[] {
  const H = hidden.length / layers.length;
  return layers.map(({ states, mean, directions }, l) => {
    const h = hidden.subarray(l * H, (l + 1) * H);
    const distances = states.map((state) => relative(h, state));
    const index = distances.indexOf(Math.min(...distances));
    const nearest = states[index] as Float32Array;
    const square = dot(h, h);
    const energy = new Float64Array(directions.length / H);
    let inside = 0;
    for (let k = 0; k < energy.length; k++) {
      inside += dot(h, directions.subarray(k * H, (k + 1) * H)) ** 2;
      energy[k] = square > 0 ? inside / square : 0;
    }
    return {
      layer: l + 1,
      nearest: {
        index,
        text: texts[index] as string,
        distance: distances[index] as number,
        cosine: square > 0 ? dot(h, nearest) / (norm(h) * norm(nearest)) : 0,
      },
      toMean: relative(h, mean),
      energy,
    };
  });
}

/** ‖h − t‖/‖t‖ */
function relative(h: ArrayLike<number>, t: ArrayLike<number>): number {
  let square = 0;
  for (let i = 0; i < h.length; i++) square += ((h[i] as number) - (t[i] as number)) ** 2;
  return Math.sqrt(square) / norm(t);
}
