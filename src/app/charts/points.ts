import type { HoverKey } from './link';
import type { Axis, Table } from './table';

/** Points that share a marker, usually those of one selection of hidden states. */
export interface PointGroup {
  readonly name: string;
  /** [points, 3] coordinates, point by point. */
  readonly xyz: ArrayLike<number>;
  /** The value that determines each point's colour; with `categories`, an index into them. */
  readonly colour: ArrayLike<number>;
  /** The trajectory of each point: points with the same number are joined in the given order. */
  readonly path?: ArrayLike<number>;
  /** Text shown when a point is pointed at: token and text. Any characters. */
  readonly text: (point: number) => string;
  /** The point's key in a hover link, usually its sample. */
  readonly key?: (point: number) => HoverKey | null;
  /** Further columns of the table and the file, besides name, coordinates, colour and text. */
  readonly columns?: readonly { readonly name: string; readonly values: ArrayLike<number | string> }[];
}

/** The meaning of the points' colours. */
export interface PointColour {
  readonly label: string;
  /** Names of the values 0, 1, …; without names the values are numbers on a scale. */
  readonly categories?: readonly string[];
}

/** Directions that are drawn: two of them in 2-D, or all three in 3-D. */
export type Plane = '1-2' | '1-3' | '2-3' | '3-D';

export interface Points {
  readonly groups: readonly PointGroup[];
  readonly axes: readonly [Axis, Axis, Axis];
  readonly colour: PointColour;
  /** Whether trajectories are joined. */
  readonly paths: boolean;
}

/** Maximum number of points drawn; of more, every second, third … */
export const MAX_POINTS = 20_000;

/** Number of points beyond which 2-D charts use WebGL too. */
export const SVG_POINTS = 2_000;

export const countOf = (group: PointGroup) => Math.floor(group.xyz.length / 3);

export const totalOf = (groups: readonly PointGroup[]) =>
  groups.reduce((sum, group) => sum + countOf(group), 0);

/** One of this many points is drawn. */
export const strideOf = (groups: readonly PointGroup[]) =>
  Math.max(1, Math.ceil(totalOf(groups) / MAX_POINTS));

/** All points as a table. */
export function pointTable({ groups, axes, colour }: Points): Table {
  const more = [...new Set(groups.flatMap(({ columns = [] }) => columns.map(({ name }) => name)))];
  return {
    columns: ['selection', ...axes.map((axis) => axis.column ?? axis.label), colour.label, 'text', ...more],
    rows: groups.flatMap((group) =>
      Array.from({ length: countOf(group) }, (_, i) => [
        group.name,
        group.xyz[3 * i]!,
        group.xyz[3 * i + 1]!,
        group.xyz[3 * i + 2]!,
        colour.categories ? (colour.categories[group.colour[i]!] ?? null) : group.colour[i]!,
        group.text(i),
        ...more.map((name) => group.columns?.find((column) => column.name === name)?.values[i] ?? null),
      ]),
    ),
  };
}
