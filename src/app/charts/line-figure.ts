import { discs } from './discs';
import { type Axis, axisOf, type Figure, formatOf, layoutOf, type View } from './figure';
import type { HoverKey } from './link';
import { lookOf, translucent } from './look';
import { type Mark, markLabels, markLines } from './marks';
import { type Data, plain, wrapped } from './plotly';
import { type LineSeries, placesToDraw } from './series';

/** Numbers of lines for which the legend names each, unless the lines say so themselves. */
const NAMED = 7;

/** Plotly adds it as a class to the element that a line is drawn in. */
const uidOf = (index: number) => `-line-${index}`;

/** Most powers of ten that are written beside an axis. */
const DECADES = 6;

/** Powers of ten from one that is written to the next, so that they do not run into one another. */
function decadesApart(series: readonly LineSeries[]): number {
  let [low, high] = [Number.POSITIVE_INFINITY, 0];
  for (const { y } of series)
    for (let i = 0; i < y.length; i++) {
      const value = y[i] as number;
      if (!(value > 0 && value < Number.POSITIVE_INFINITY)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  return high > 0 ? Math.max(1, Math.ceil(Math.log10(high / low) / DECADES)) : 1;
}

/** Plotly's traces for these lines. */
export function lineFigure(
  series: readonly LineSeries[],
  { x, y, marks = [] }: { readonly x: Axis; readonly y: Axis; readonly marks?: readonly Mark[] | undefined },
  view: View,
): Figure {
  const { theme, log } = view;
  const someSay = series.some(({ legend }) => legend !== undefined);
  const named = (line: LineSeries) =>
    someSay ? line.legend === true : series.length > 1 && series.length <= NAMED;
  const looks = series.map((line, index) => lookOf(index, line, theme, series.length));
  const places = series.map((line) => placesToDraw(line.y));

  const lines = series.map((line, index): Data => {
    const look = looks[index]!;
    const pick = (values: ArrayLike<number>) => places[index]!.map((i) => values[i]!);
    // A value without a logarithm is a gap; Plotly would draw a line towards it.
    const ys = pick(line.y).map((value) => (log && !(value > 0) ? Number.NaN : value));
    const about = line.about ? `<br>${wrapped(line.about)}` : '';
    const hasBars = line.low && line.high && line.interval !== 'area';
    return {
      type: 'scatter',
      mode: line.points ? 'markers' : line.reference || line.steps ? 'lines' : 'lines+markers',
      uid: uidOf(index),
      name: plain(line.name),
      showlegend: named(line),
      x: pick(line.x),
      y: ys,
      legendrank: index,
      opacity: look.opacity,
      line: { color: look.colour, width: look.width, dash: look.dash, shape: line.steps ? 'hvh' : 'linear' },
      ...(line.steps && { fill: 'tozeroy', fillcolor: translucent(look.colour, 0.18) }),
      marker: {
        color: look.colour,
        symbol: look.symbol,
        size: line.points ? 7 : 6,
        // With bars, every marker: Plotly misplaces the bars of markers that it leaves out when data arrives.
        ...(!line.points && !hasBars && { maxdisplayed: 10 }),
      },
      ...(line.pointNames && { text: places[index]!.map((i) => plain(line.pointNames![i]!)) }),
      hovertemplate: `${templateText(line.name)}${line.pointNames ? ', %{text}' : ''}: %{y:${formatOf(y)}}${templateBraces(about)}<extra></extra>`,
      ...(hasBars && {
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
  const areas = series.flatMap((line, index): Data[] => {
    if (!line.low || !line.high || line.interval !== 'area') return [];
    const there = places[index]!.filter(
      (i) => Number.isFinite(line.low![i]) && Number.isFinite(line.high![i]),
    );
    return [
      {
        type: 'scatter',
        mode: 'lines',
        name: plain(line.name),
        showlegend: false,
        hoverinfo: 'skip',
        x: [...there, ...there.toReversed()].map((i) => line.x[i]!),
        y: [...there.map((i) => line.high![i]!), ...there.toReversed().map((i) => line.low![i]!)],
        fill: 'toself',
        fillcolor: translucent(looks[index]!.colour, 0.18),
        line: { color: looks[index]!.colour, width: 0.75, dash: looks[index]!.dash },
      } as Data,
    ];
  });

  // Areas are drawn below, and what stands out above the rest.
  const order = series
    .map((_, i) => i)
    .sort((a, b) => Number(series[a]!.weight === 'strong') - Number(series[b]!.weight === 'strong'));
  const layout = {
    ...layoutOf([x, y], view),
    hovermode: series.length > NAMED || series.some(isLinked) ? 'closest' : 'x unified',
    showlegend: series.some(named),
    xaxis: { ...axisOf(x, theme, x.log), rangemode: x.step === undefined && !x.log ? 'tozero' : 'normal' },
    yaxis: { ...axisOf(y, theme, log), ...(log && { dtick: decadesApart(series) }) },
    ...(marks.length > 0 && { shapes: markLines(marks, theme), annotations: markLabels(marks, theme) }),
  } as Figure['layout'];
  return {
    data: [...areas, ...order.map((i) => lines[i]!)],
    layout,
    keyAt: (trace, point) => {
      const index = order[trace - areas.length] ?? -1;
      const place = typeof point === 'number' ? places[index]?.[point] : undefined;
      return (place === undefined ? null : series[index]!.keys?.[place]) ?? series[index]?.key ?? null;
    },
    keys: new Set(
      series.flatMap(({ key, keys = [] }) => [key ?? null, ...keys]).filter((key) => key !== null),
    ),
    emphasis: (key) => {
      const meant = series.some((line) => line.key === key) ? key : null;
      return {
        looks: series.map((line, i) => ({ uid: uidOf(i), ...emphasised(line, looks[i]!, meant) })),
        ...(series.some(({ keys }) => keys) && {
          shapes: [...markLines(marks, theme), ...discs(pointsOf(series, key, log), theme)],
        }),
      };
    },
  };
}

const isLinked = ({ key, keys }: LineSeries) => key !== undefined || keys !== undefined;

/** The positions of all points with `key` that the scale can show. */
function pointsOf(series: readonly LineSeries[], key: HoverKey | null, log: boolean): [number, number][] {
  return series.flatMap(({ x, y, keys = [] }) =>
    keys.flatMap((of, i): [number, number][] => {
      const [across, up] = [x[i]!, y[i]!];
      return of === key && key !== null && Number.isFinite(up) && (!log || up > 0) ? [[across, up]] : [];
    }),
  );
}

/** The line with the key stands out, other lines with keys step back, the rest is unchanged. */
function emphasised(
  line: LineSeries,
  { width, opacity }: { readonly width: number; readonly opacity: number },
  key: HoverKey | null,
): { width: number; opacity: number } {
  if (key === null || line.key === undefined) return { width, opacity };
  return line.key === key ? { width: Math.max(width, 1.75) + 1.5, opacity: 1 } : { width, opacity: 0.25 };
}

/** Plotly's templates take `%{…}` for a value. */
const templateBraces = (text: string) => text.replaceAll('%{', '%&#123;');
const templateText = (text: string) => templateBraces(plain(text));
