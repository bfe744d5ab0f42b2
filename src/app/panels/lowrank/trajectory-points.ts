import type { Trajectory } from '../../../contract/lens';
import type { PointColouring } from '../../store/trajectories-draft';

/** Maximum number of tokens with a colour of their own. */
const NAMED_TOKENS = 6;

export const tokenAt = ({ texts, sample, position }: Trajectory, point: number): string =>
  texts[sample[point]!]?.[position[point]!] ?? '';

/** The tokens that occur most often, the most frequent first. */
export function commonTokens(
  trajectories: readonly Pick<Trajectory, 'texts'>[],
  count = NAMED_TOKENS,
): string[] {
  const counts = new Map<string, number>();
  for (const token of trajectories.flatMap(({ texts }) => texts.flat()))
    counts.set(token, (counts.get(token) ?? 0) + 1);
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, count)
    .map(([token]) => token);
}

/** The points of one layer (`null` for all) and one sample (-1 for all), with their position and colour. */
export function pick(
  trajectory: Trajectory,
  wanted: { readonly layer: number | null; readonly sample: number },
  colouring: PointColouring,
  tokens: readonly string[],
): { readonly points: number[]; readonly xyz: Float32Array; readonly colour: number[] } {
  const points = Array.from(trajectory.sample, (_, i) => i).filter(
    (i) =>
      (wanted.layer === null || trajectory.layer[i] === wanted.layer) &&
      (wanted.sample < 0 || trajectory.sample[i] === wanted.sample),
  );
  const xyz = new Float32Array(3 * points.length);
  for (const [i, point] of points.entries())
    xyz.set(trajectory.xyz.subarray(3 * point, 3 * point + 3), 3 * i);
  const colourOf = (point: number): number => {
    if (colouring === 'step') return trajectory.position[point]! + 1;
    if (colouring === 'layer') return trajectory.layer[point]!;
    if (colouring === 'section') return trajectory.section[point]!;
    const token = tokens.indexOf(tokenAt(trajectory, point));
    return token < 0 ? tokens.length : token;
  };
  return { points, xyz, colour: points.map(colourOf) };
}
