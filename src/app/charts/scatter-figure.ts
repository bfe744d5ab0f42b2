import { axisOf, colourBarOf, type Figure, layoutOf, type View } from './figure';
import type { HoverKey } from './link';
import { colourAt, paper, pointScale, solidAt } from './look';
import { type Data, type Part, plain, wrapped } from './plotly';
import { countOf, type Plane, type PointGroup, type Points, strideOf } from './points';

/** How the points are drawn. */
export interface PointView extends View {
  readonly plane: Plane;
  /** Whether a flat chart is drawn by WebGL. */
  readonly webgl: boolean;
}

export const partsOf = ({ plane, webgl }: Pick<PointView, 'plane' | 'webgl'>): readonly Part[] =>
  plane === '3-D' ? ['scatter3d'] : webgl ? ['scattergl'] : [];

interface Drawn {
  readonly group: PointGroup;
  readonly index: number;
  readonly points: readonly number[];
  readonly category: number | null;
}

/** Colour by step, token, layer or section; marker and dash by selection; what is highlighted lies above. */
export function scatterFigure({ groups, axes, colour, paths }: Points, view: PointView): Figure {
  const { theme, plane } = view;
  const { ground, text, muted } = paper[theme];
  const [part] = partsOf(view);
  const type = part ?? 'scatter';
  const isSpace = plane === '3-D';
  const dimensions = isSpace ? [0, 1, 2] : plane.split('-').map((n) => Number(n) - 1);
  const stride = strideOf(groups);
  const shown = groups.map((group) =>
    Array.from({ length: Math.ceil(countOf(group) / stride) }, (_, i) => i * stride),
  );

  const placesOf = (group: PointGroup, points: readonly number[]) =>
    Object.fromEntries(
      dimensions.map((of, i) => [
        ['x', 'y', 'z'][i],
        points.map((point) => (point < 0 ? null : group.xyz[3 * point + of]!)),
      ]),
    );
  const size = isSpace ? 4 : 7;

  const lines = groups.flatMap((group, index): Data[] => {
    if (!paths || !group.path) return [];
    return [
      {
        type,
        mode: 'lines',
        name: plain(group.name),
        showlegend: false,
        legendgroup: `${index}`,
        hoverinfo: 'skip',
        connectgaps: false,
        ...placesOf(group, joined(shown[index]!, group.path)),
        line: { color: muted, width: isSpace ? 2 : 1, dash: index === 0 ? 'solid' : 'dot' },
        opacity: 0.5,
      } as unknown as Data,
    ];
  });

  // One trace a group, or one a group and category.
  const parts = groups.flatMap((group, index): Drawn[] => {
    const points = shown[index]!;
    if (!colour.categories) return [{ group, index, points, category: null }];
    return colour.categories.flatMap((_, category) => {
      const members = points.filter((point) => group.colour[point] === category);
      return members.length > 0 ? [{ group, index, points: members, category }] : [];
    });
  });
  const marks = parts.map(({ group, index, points, category }): Data => {
    const name = category === null ? group.name : `${group.name}, ${colour.categories![category]}`;
    return {
      type,
      mode: 'markers',
      name: plain(groups.length === 1 && category !== null ? colour.categories![category]! : name),
      // On a scale the legend says what the markers mean, by a trace of its own: Plotly would draw them black.
      showlegend: category !== null,
      ...(category === null && { legendgroup: `${index}` }),
      ...placesOf(group, points),
      text: points.map((point) => wrapped(group.text(point))),
      hovertemplate: '%{text}<extra></extra>',
      marker: {
        size,
        symbol: solidAt(index),
        line: { color: ground, width: isSpace ? 0 : 0.5 },
        ...(category === null
          ? { color: points.map((point) => group.colour[point]!), coloraxis: 'coloraxis' }
          : { color: colourAt(category, theme) }),
      },
    } as unknown as Data;
  });
  const named = colour.categories
    ? []
    : groups.map(
        (group, index): Data =>
          ({
            type,
            mode: 'markers',
            name: plain(group.name),
            legendgroup: `${index}`,
            hoverinfo: 'skip',
            x: [null],
            y: [null],
            ...(isSpace && { z: [null] }),
            marker: { size: isSpace ? 6 : 8, symbol: solidAt(index), color: text },
          }) as unknown as Data,
      );
  const flat = dimensions.map((of) => axisOf(axes[of]!, theme));
  const first = lines.length;
  return {
    data: [...lines, ...marks, ...named, ...(isSpace ? [aboveOf(size, text)] : [])],
    layout: {
      ...layoutOf(axes, view),
      showlegend: parts.length > 1,
      ...(!colour.categories && {
        coloraxis: {
          colorscale: pointScale[theme],
          colorbar: { ...colourBarOf(colour.label, theme), ...(isSpace && { x: 1 }) },
        },
      }),
      ...(isSpace
        ? { margin: { l: 0, r: 0, t: 8, b: 0 }, scene: sceneOf(axes, view) }
        : { dragmode: 'zoom', xaxis: flat[0], yaxis: flat[1] }),
      uirevision: `${plane} ${axes.map(({ label }) => plain(label)).join(' ')}`,
    } as Figure['layout'],
    keyAt: (trace, point) => {
      const part = parts[trace - first];
      if (!part || typeof point !== 'number') return null;
      const place = part.points[point];
      return place === undefined ? null : (part.group.key?.(place) ?? null);
    },
    keys: keysOf(groups),
    emphasis: (key) => {
      const places = groups.map((group) => ({ group, points: pointsAt(group, key) }));
      if (!isSpace) return { shapes: halo(places, [dimensions[0]!, dimensions[1]!], paths, theme) };
      const found = places.map(({ group, points }) => placesOf(group, ordered(group, points)));
      const all = (axis: string) => [found.flatMap((one) => one[axis] ?? [])];
      return {
        data: { x: all('x'), y: all('y'), z: all('z') },
        traces: [first + marks.length + named.length],
        isHeavy: true,
      };
    },
  };
}

/** The trace for what is highlighted in space, empty at first. Flat charts have shapes below the points instead. */
const aboveOf = (size: number, text: string) =>
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

function keysOf(groups: readonly PointGroup[]): ReadonlySet<HoverKey> {
  const keys = new Set<HoverKey>();
  for (const group of groups) {
    for (let i = 0; group.key && i < countOf(group); i++) {
      const key = group.key(i);
      if (key !== null) keys.add(key);
    }
  }
  return keys;
}

function pointsAt(group: PointGroup, key: HoverKey | null): number[] {
  const points: number[] = [];
  for (let i = 0; key !== null && group.key && i < countOf(group); i++) {
    if (group.key(i) === key) points.push(i);
  }
  return points;
}

const ordered = (group: PointGroup, points: readonly number[]) =>
  group.path ? joined(points, group.path) : points.flatMap((point) => [point, -1]);

/** A disc behind each point, as lines without length and with round ends, and a thicker line along each path. */
function halo(
  places: readonly { readonly group: PointGroup; readonly points: readonly number[] }[],
  [across, up]: readonly [number, number],
  paths: boolean,
  theme: View['theme'],
): unknown[] {
  const discs: string[] = [];
  const lines: string[] = [];
  for (const { group, points } of places) {
    const at = (point: number) => `${group.xyz[3 * point + across]!},${group.xyz[3 * point + up]!}`;
    for (const point of points) discs.push(`M${at(point)}L${at(point)}`);
    if (!paths || !group.path) continue;
    let command = 'M';
    for (const point of joined(points, group.path)) {
      if (point >= 0) lines.push(`${command}${at(point)}`);
      command = point < 0 ? 'M' : 'L';
    }
  }
  const shape = (path: readonly string[], width: number, colour: string) => ({
    type: 'path',
    path: path.join(''),
    layer: 'below',
    line: { color: colour, width },
  });
  const { text } = paper[theme];
  return [
    ...(lines.length > 0 ? [shape(lines, 2.5, text)] : []),
    ...(discs.length > 0 ? [shape(discs, 13, text)] : []),
  ];
}

/** The points, one path after the other, each in the order given, with −1 after each path. */
function joined(points: readonly number[], path: ArrayLike<number>): number[] {
  const paths = new Map<number, number[]>();
  for (const point of points) {
    const of = path[point]!;
    const members = paths.get(of);
    if (members) members.push(point);
    else paths.set(of, [point]);
  }
  return [...paths.values()].flatMap((members) => [...members, -1]);
}

/** Where the eye is at first: farther off where there is less room. */
export function firstEye(width: number): { readonly x: number; readonly y: number; readonly z: number } {
  const far = width < 480 ? 2.1 : 1.55;
  return { x: far, y: far, z: 0.6 * far };
}

/** What the eye looks at: a little below the middle, for there are the names of two axes. */
export const LOOKED_AT = { x: 0, y: 0, z: -0.15 } as const;

function sceneOf(axes: Points['axes'], { theme, width }: View) {
  const { text, muted, grid, ground } = paper[theme];
  const axis = (i: 0 | 1 | 2) => ({
    title: { text: plain(axes[i].label) },
    color: text,
    gridcolor: grid,
    linecolor: muted,
    zerolinecolor: muted,
    backgroundcolor: ground,
    showspikes: false,
    ...(axes[i].range && { range: [...axes[i].range] }),
  });
  return {
    xaxis: axis(0),
    yaxis: axis(1),
    zaxis: axis(2),
    bgcolor: ground,
    aspectmode: 'cube',
    dragmode: 'orbit',
    camera: { eye: firstEye(width), center: LOOKED_AT },
  };
}
