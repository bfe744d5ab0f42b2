import type { HoverKey } from './link';
import { paper, type ThemeName } from './look';
import { type Data, type Layout, plain } from './plotly';
import type { Axis, Table } from './table';

/** Charts are drawn from pure data by pure functions, so that they can be tested without a browser. */

/** The view of a chart. */
export interface View {
  readonly width: number;
  readonly height: number;
  readonly theme: ThemeName;
  /** Whether the scale of the values (y, the bars, the cells) is logarithmic. */
  readonly log: boolean;
}

/**
 * Changes to a drawing. Styles of lines and shapes leave everything else as drawn: Plotly takes a tenth of a second to
 * restyle 128 lines, and longer for 20,000 points, too long while the mouse moves.
 */
export interface Emphasis {
  /** Styles of lines, by uid. */
  readonly looks?: readonly { readonly uid: string; readonly opacity: number; readonly width: number }[];
  readonly shapes?: readonly unknown[];
  /** Changes to traces, in the form that Plotly's `restyle` takes. */
  readonly data?: Record<string, unknown>;
  readonly traces?: number[];
  /** Redraws everything, so it is done once the pointer rests. */
  readonly isHeavy?: boolean;
}

export interface Figure {
  readonly data: Data[];
  readonly layout: Partial<Layout>;
  /** What is at a place in the drawing, by its key in a hover link. */
  readonly keyAt?: (trace: number, point: number | readonly [number, number]) => HoverKey | null;
  /** Keys that can be highlighted. */
  readonly keys?: ReadonlySet<HoverKey>;
  /** The change that makes one of `keys` stand out, or none. */
  readonly emphasis?: (key: HoverKey | null) => Emphasis;
}

export type { Axis, Table };

/** Plotly's format for values on this axis. */
export const formatOf = (axis: Pick<Axis, 'format'>) => (axis.format === '%' ? '.1%' : '.4~g');

/** Keeps zoom and hidden lines when data arrives, as long as the axes mean the same. */
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

/** One axis of a 2-D chart. */
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
    ...(!log && axis.fromZero && { rangemode: 'tozero' }),
    ...(axis.ticks && { tickvals: [...axis.ticks], ticktext: axis.ticks.map(String) }),
    ...(axis.names && {
      ...{ tickvals: axis.names.map((_, i) => i + 1), ticktext: axis.names.map(plain) },
      // Every name is there, also the last one, which goes beyond the axis where names are turned.
      ticklabeloverflow: 'allow',
    }),
    ...(!log && axis.range && { range: [...axis.range] }),
  };
}

/** A colour bar. */
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
