import type { HoverKey } from './link';
import { paper, type ThemeName } from './look';
import { type Data, type Layout, plain } from './plotly';
import type { Axis, Table } from './table';

/** What every chart is drawn from: pure data and pure functions, so that they are tested without a browser. */

/** How a chart is looked at. */
export interface View {
  readonly width: number;
  readonly height: number;
  readonly theme: ThemeName;
  /** Of the values (y, the bars, the cells). */
  readonly log: boolean;
}

/**
 * Changes to a drawing. Looks of lines and shapes leave all else as it is drawn: 128 lines take Plotly a tenth of a
 * second to restyle, and 20,000 points more, too long while the mouse moves.
 */
export interface Emphasis {
  /** Of lines, by their uid. */
  readonly looks?: readonly { readonly uid: string; readonly opacity: number; readonly width: number }[];
  readonly shapes?: readonly unknown[];
  /** Of traces, as Plotly's `restyle` takes them. */
  readonly data?: Record<string, unknown>;
  readonly traces?: number[];
  /** Draws all again: done once the pointer rests. */
  readonly isHeavy?: boolean;
}

export interface Figure {
  readonly data: Data[];
  readonly layout: Partial<Layout>;
  /** What is at a place of the drawing, in the words of a hover link. */
  readonly keyAt?: (trace: number, point: number | readonly [number, number]) => HoverKey | null;
  /** What could be highlighted. */
  readonly keys?: ReadonlySet<HoverKey>;
  /** What makes one of `keys` stand out, or nothing. */
  readonly emphasis?: (key: HoverKey | null) => Emphasis;
}

export type { Axis, Table };

/** Format of Plotly for values of this axis. */
export const formatOf = (axis: Pick<Axis, 'format'>) => (axis.format === '%' ? '.1%' : '.4~g');

/** Keeps zoom and hidden lines when data comes in, as long as the axes mean the same. */
const revisionOf = (axes: readonly Axis[], log: boolean) =>
  `${log ? 'log' : 'linear'} ${axes.map(({ label }) => plain(label)).join(' ')}`;

export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

/** The layout that all charts share. */
export function layoutOf(axes: readonly Axis[], { width, height, theme, log }: View): Partial<Layout> {
  const { text, muted, ground } = paper[theme];
  return {
    width,
    height,
    margin: { l: 56, r: 12, t: 8, b: 44 },
    paper_bgcolor: ground,
    plot_bgcolor: ground,
    font: { family: FONT, size: 12, color: text },
    hovermode: 'closest',
    hoverlabel: { bgcolor: ground, bordercolor: muted, font: { color: text }, align: 'left' },
    legend: { orientation: 'h', x: 0, y: 1.02, xanchor: 'left', yanchor: 'bottom', bgcolor: 'rgba(0,0,0,0)' },
    uirevision: revisionOf(axes, log),
  } as Partial<Layout>;
}

/** One axis of a flat chart. */
export function axisOf(axis: Axis, theme: ThemeName, log = false): Record<string, unknown> {
  const { muted, grid } = paper[theme];
  return {
    gridcolor: grid,
    linecolor: muted,
    zeroline: false,
    showline: true,
    ticks: 'outside',
    tickcolor: muted,
    automargin: true,
    title: { text: plain(axis.label), standoff: 8 },
    type: log ? 'log' : 'linear',
    ...(log ? { dtick: 1, exponentformat: 'power' } : axis.format === '%' ? { tickformat: '.0%' } : {}),
    ...(!log && axis.step !== undefined && { dtick: axis.step, tickformat: 'd' }),
    ...(!log && axis.range && { range: [...axis.range] }),
  };
}

/** A bar that says what colours mean. */
export function colourBarOf(title: string, theme: ThemeName): Record<string, unknown> {
  const { text, muted } = paper[theme];
  return {
    title: { text: plain(title), side: 'right' },
    thickness: 12,
    outlinewidth: 1,
    outlinecolor: muted,
    tickcolor: muted,
    tickfont: { color: text },
    ticks: 'outside',
  };
}
