import { lookOf, paper, type ThemeName } from './look';
import { type Data, type Layout, plain } from './plotly';
import { type Axis, type LineSeries, placesToDraw } from './series';

export interface FigureOptions {
  readonly x: Axis;
  readonly y: Axis;
  readonly log: boolean;
  readonly theme: ThemeName;
  readonly legend: boolean;
  readonly height: number;
  readonly width: number;
}

/** What Plotly is given for these lines. */
export function figureOf(
  series: readonly LineSeries[],
  options: FigureOptions,
): { data: Data[]; layout: Partial<Layout> } {
  const { x, y, log, theme, legend, width, height } = options;
  const { text, muted, grid, ground } = paper[theme];
  const data = series.map((line, index) => {
    const look = lookOf(index, line, theme, series.length);
    const places = placesToDraw(line.y);
    const pick = (values: ArrayLike<number>) => places.map((i) => values[i]!);
    const ys = pick(line.y);
    const name = plain(line.name);
    return {
      type: 'scatter',
      mode: line.reference ? 'lines' : 'lines+markers',
      name,
      x: pick(line.x),
      y: ys,
      legendrank: index,
      opacity: look.opacity,
      line: { color: look.colour, width: look.width, dash: look.dash, shape: 'linear' },
      marker: { color: look.colour, symbol: look.symbol, size: 6, maxdisplayed: 10 },
      hovertemplate: `${name}: %{y${y.format === '%' ? ':.1%' : ':.4~g'}}<extra></extra>`,
      ...(line.low &&
        line.high && {
          error_y: {
            type: 'data',
            symmetric: false,
            array: pick(line.high).map((high, i) => high - ys[i]!),
            arrayminus: pick(line.low).map((low, i) => ys[i]! - low),
            color: look.colour,
            thickness: 1,
            width: 3,
          },
        }),
    } as Data;
  });
  const axis = {
    gridcolor: grid,
    linecolor: muted,
    zeroline: false,
    showline: true,
    ticks: 'outside',
    tickcolor: muted,
    automargin: true,
  };
  const layout = {
    width,
    height,
    margin: { l: 56, r: 12, t: 8, b: 44 },
    paper_bgcolor: ground,
    plot_bgcolor: ground,
    font: { family: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif', size: 12, color: text },
    hovermode: series.length > 7 ? 'closest' : 'x unified',
    hoverlabel: { bgcolor: ground, bordercolor: muted, font: { color: text } },
    showlegend: legend,
    legend: { orientation: 'h', x: 0, y: 1.02, xanchor: 'left', yanchor: 'bottom', bgcolor: 'rgba(0,0,0,0)' },
    xaxis: {
      ...axis,
      rangemode: 'tozero',
      title: { text: plain(x.label), standoff: 8 },
      ...(x.range && { range: [...x.range] }),
    },
    yaxis: {
      ...axis,
      title: { text: plain(y.label), standoff: 8 },
      type: log ? 'log' : 'linear',
      ...(log ? { dtick: 1, exponentformat: 'power' } : y.format === '%' ? { tickformat: '.0%' } : {}),
      ...(!log && y.range && { range: [...y.range] }),
    },
    // Zoom and hidden lines stay when data comes in.
    uirevision: log ? 'log' : 'linear',
  } as Partial<Layout>;
  // What stands out is drawn over the rest.
  const order = series
    .map((_, i) => i)
    .sort((a, b) => Number(series[a]!.weight === 'strong') - Number(series[b]!.weight === 'strong'));
  return { data: order.map((i) => data[i]!), layout };
}
