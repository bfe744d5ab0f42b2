import { axisOf, colourBarOf, type Emphasis, type Figure, layoutOf, type View } from './figure';
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
  const above = {
    type,
    mode: 'lines+markers',
    name: 'highlighted',
    showlegend: false,
    hoverinfo: 'skip',
    connectgaps: false,
    x: [],
    y: [],
    ...(isSpace && { z: [] }),
    line: { color: text, width: isSpace ? 4 : 2 },
    marker: { color: text, symbol: 'circle-open', size: size + 5, line: { color: text, width: 1.5 } },
  } as unknown as Data;

  const flat = dimensions.map((of) => axisOf(axes[of]!, theme));
  const first = lines.length;
  return {
    data: [...lines, ...marks, above],
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
    emphasis: (key) => {
      if (!groups.some((group) => group.key)) return null;
      return highlight(groups, key, placesOf, first + marks.length);
    },
  };
}

/** All points of `key`, those of each group joined in their order, as the trace above the others. */
function highlight(
  groups: readonly PointGroup[],
  key: HoverKey | null,
  placesOf: (group: PointGroup, points: readonly number[]) => Record<string, (number | null)[]>,
  trace: number,
): Emphasis {
  const found: Record<string, (number | null)[]> = {};
  for (const group of groups) {
    const points: number[] = [];
    for (let i = 0; key !== null && group.key && i < countOf(group); i++) {
      if (group.key(i) === key) points.push(i);
    }
    const order = group.path ? joined(points, group.path) : points.flatMap((point) => [point, -1]);
    for (const [axis, values] of Object.entries(placesOf(group, order))) {
      found[axis] = [...(found[axis] ?? []), ...values];
    }
  }
  return {
    data: Object.fromEntries(Object.entries(found).map(([axis, values]) => [axis, [values]])),
    traces: [trace],
  };
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

/** Where the eye is at first. */
export const FIRST_EYE = { x: 1.4, y: 1.4, z: 0.9 } as const;

function sceneOf(axes: Points['axes'], { theme }: View) {
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
    camera: { eye: FIRST_EYE },
  };
}
