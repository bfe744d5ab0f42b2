import { below, discs } from './discs';
import type { HoverKey } from './link';
import type { ThemeName } from './look';
import type { Data } from './plotly';
import { countOf, type PointGroup } from './points';

/** The trace for highlights in 3-D, initially empty. 2-D charts have shapes below the points instead. */
export const aboveOf = (size: number, text: string) =>
  ({
    type: 'scatter3d',
    mode: 'lines+markers',
    name: 'highlighted',
    showlegend: false,
    hoverinfo: 'skip',
    connectgaps: false,
    x: [],
    y: [],
    z: [],
    line: { color: text, width: 4 },
    marker: { color: text, symbol: 'circle-open', size: size + 5, line: { color: text, width: 1.5 } },
  }) as unknown as Data;

/** All keys that can be highlighted. */
export function keysOf(groups: readonly PointGroup[]): ReadonlySet<HoverKey> {
  const keys = new Set<HoverKey>();
  for (const group of groups) {
    for (let i = 0; group.key && i < countOf(group); i++) {
      const key = group.key(i);
      if (key !== null) keys.add(key);
    }
  }
  return keys;
}

/** The points of a group with `key`. */
export function pointsAt(group: PointGroup, key: HoverKey | null): number[] {
  const points: number[] = [];
  for (let i = 0; key !== null && group.key && i < countOf(group); i++) {
    if (group.key(i) === key) points.push(i);
  }
  return points;
}

/** Points in the order in which they are joined, with −1 where a line ends. */
export const ordered = (group: PointGroup, points: readonly number[]) =>
  group.path ? joined(points, group.path) : points.flatMap((point) => [point, -1]);

/** A disc behind each point, and a thicker line along each path. */
export function halo(
  places: readonly { readonly group: PointGroup; readonly points: readonly number[] }[],
  [across, up]: readonly [number, number],
  paths: boolean,
  theme: ThemeName,
): unknown[] {
  const points: [number, number][] = [];
  const lines: string[] = [];
  for (const { group, points: meant } of places) {
    const at = (point: number): [number, number] => [
      group.xyz[3 * point + across]!,
      group.xyz[3 * point + up]!,
    ];
    points.push(...meant.map(at));
    if (!paths || !group.path) continue;
    let command = 'M';
    for (const point of joined(meant, group.path)) {
      if (point >= 0) lines.push(`${command}${at(point).join()}`);
      command = point < 0 ? 'M' : 'L';
    }
  }
  return [...below(lines.join(''), 2.5, theme), ...discs(points, theme)];
}

/** The points, one path after the other, each in the order given, with −1 after each path. */
export function joined(points: readonly number[], path: ArrayLike<number>): number[] {
  const paths = new Map<number, number[]>();
  for (const point of points) {
    const of = path[point]!;
    const members = paths.get(of);
    if (members) members.push(point);
    else paths.set(of, [point]);
  }
  return [...paths.values()].flatMap((members) => [...members, -1]);
}
