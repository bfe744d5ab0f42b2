import { paper, type ThemeName } from './look';

/** Highlights below points, as Plotly shapes, which are drawn without redrawing the points. */

const DISC = 13;

/** A path of lines, below the points. */
export const below = (path: string, width: number, theme: ThemeName): unknown[] =>
  path === '' ? [] : [{ type: 'path', path, layer: 'below', line: { color: paper[theme].text, width } }];

/** A disc behind each point: lines of zero length, whose round ends come from charts.css. */
export const discs = (points: readonly (readonly [number, number])[], theme: ThemeName): unknown[] =>
  below(points.map(([x, y]) => `M${x},${y}L${x},${y}`).join(''), DISC, theme);
