import { axisOf, colourBarOf, type Figure, layoutOf, type View } from './figure';
import { colourAt, paper, pointScale, solidAt } from './look';
import { type Data, type Part, plain, wrapped } from './plotly';
import { aboveOf, halo, joined, keysOf, ordered, pointsAt } from './point-highlight';
import { countOf, type Plane, type PointGroup, type Points, strideOf } from './points';

/** How the points are drawn. */
export interface PointView extends View {
  readonly plane: Plane;
  /** Whether a 2-D chart is drawn with WebGL. */
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

/** Colour by step, token, layer or section; marker and dash by selection; highlights on top. */
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

  // One trace per group, or per group and category.
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
      // With a colour scale, a separate trace gives the legend its markers: Plotly would draw them black.
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

/** Initial position of the eye: farther away if there is less room. */
export function firstEye(width: number): { readonly x: number; readonly y: number; readonly z: number } {
  const far = width < 480 ? 2.1 : 1.55;
  return { x: far, y: far, z: 0.6 * far };
}

/** What the eye looks at: slightly below the middle, where the names of two axes are. */
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
