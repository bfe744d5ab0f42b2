import { paper, type ThemeName } from './look';
import { plain } from './plotly';

/** A place on the x axis where something begins: a stage of a run. */
export interface Mark {
  readonly x: number;
  /** Short: it stands at the line's upper end. */
  readonly label: string;
}

/** Vertical lines over the whole height, as Plotly shapes. */
export const markLines = (marks: readonly Mark[], theme: ThemeName): unknown[] =>
  marks.map(({ x }) => ({
    ...{ type: 'line', xref: 'x', yref: 'paper', x0: x, x1: x, y0: 0, y1: 1, layer: 'below' },
    line: { color: paper[theme].muted, width: 1, dash: 'dot' },
  }));

/** Their labels, right of the lines. */
export const markLabels = (marks: readonly Mark[], theme: ThemeName): unknown[] =>
  marks.map(({ x, label }) => ({
    ...{ xref: 'x', yref: 'paper', x, y: 1, xanchor: 'left', yanchor: 'top', showarrow: false, xshift: 1 },
    text: plain(label),
    font: { size: 11, color: paper[theme].muted },
  }));
