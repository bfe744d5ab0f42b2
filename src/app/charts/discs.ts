import { paper, type ThemeName } from './look';

/** What lies below points that are highlighted, as shapes of Plotly: they are drawn without drawing the points again. */

const DISC = 13;

/** A path of lines, below the points. */
export const below = (path: string, width: number, theme: ThemeName): unknown[] =>
  path === '' ? [] : [{ type: 'path', path, layer: 'below', line: { color: paper[theme].text, width } }];

/** A disc behind each point: lines without length, whose round ends charts.css sees to. */
export const discs = (points: readonly (readonly [number, number])[], theme: ThemeName): unknown[] =>
  below(points.map(([x, y]) => `M${x},${y}L${x},${y}`).join(''), DISC, theme);
