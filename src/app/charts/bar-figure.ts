import { type Axis, axisOf, type Figure, formatOf, layoutOf, type Table, type View } from './figure';
import type { HoverKey } from './link';
import { colourAt, paper, patternAt } from './look';
import { type Data, plain } from './plotly';

/** The bars of one colour and pattern, one a category. */
export interface BarSeries {
  readonly name: string;
  /** NaN leaves a bar out. */
  readonly values: ArrayLike<number>;
  /** Ends of an interval around each value. */
  readonly low?: ArrayLike<number>;
  readonly high?: ArrayLike<number>;
  /** Numbers of colour and pattern; default the place among the series. */
  readonly look?: { readonly colour?: number; readonly pattern?: number };
}

export interface Bars {
  readonly series: readonly BarSeries[];
  readonly categories: readonly string[];
  /** What a hover link knows each category by. */
  readonly keys?: readonly HoverKey[];
  /** What the categories are. */
  readonly x: Pick<Axis, 'label' | 'column'>;
  readonly y: Axis;
}

/** Bars side by side, a group a category. */
export function barFigure({ series, categories, keys, x, y }: Bars, view: View): Figure {
  const { theme, log, width } = view;
  const { ground, text } = paper[theme];
  const data = series.map((one, index) => {
    const colour = colourAt(one.look?.colour ?? index, theme);
    const values = categories.map((_, i) => one.values[i] ?? Number.NaN);
    return {
      type: 'bar',
      name: plain(one.name),
      x: categories.map((_, i) => i),
      y: values,
      customdata: categories.map(plain),
      marker: {
        color: colour,
        line: { color: colour, width: 1 },
        pattern: {
          shape: patternAt(one.look?.pattern ?? index),
          fillmode: 'overlay',
          fgcolor: ground,
          fgopacity: 0.9,
          size: 7,
          solidity: 0.28,
        },
      },
      hovertemplate: `${plain(one.name).replaceAll('%{', '%&#123;')}, %{customdata}: %{y:${formatOf(y)}}<extra></extra>`,
      ...(one.low &&
        one.high && {
          error_y: {
            type: 'data',
            symmetric: false,
            array: values.map((value, i) => one.high![i]! - value),
            arrayminus: values.map((value, i) => value - one.low![i]!),
            color: text,
            thickness: 1.5,
            width: 4,
          },
        }),
    } as unknown as Data;
  });
  const every = Math.max(1, Math.ceil(categories.length / Math.max(2, Math.floor(width / 60))));
  const shown = categories.map((_, i) => i).filter((i) => i % every === 0);
  return {
    data,
    layout: {
      ...layoutOf([x, y], view),
      barmode: 'group',
      bargap: 0.25,
      showlegend: series.length > 1,
      xaxis: {
        ...axisOf(x, theme),
        showgrid: false,
        tickmode: 'array',
        tickvals: shown,
        ticktext: shown.map((i) => plain(categories[i]!)),
      },
      yaxis: { ...axisOf(y, theme, log), ...(!log && { rangemode: 'tozero' }) },
    } as Figure['layout'],
    keyAt: (_, point) => (typeof point === 'number' ? (keys?.[point] ?? null) : null),
    keys: new Set(keys),
    emphasis: (key) => {
      const at = key === null || !keys ? -1 : keys.indexOf(key);
      const opacity = categories.map((_, i) => (at < 0 || i === at ? 1 : 0.35));
      return { data: { 'marker.opacity': series.map(() => opacity) }, traces: series.map((_, i) => i) };
    },
  };
}

export function barTable({ series, categories, x }: Bars): Table {
  const columns = series.flatMap((one) => [
    { name: one.name, values: one.values },
    ...(one.low ? [{ name: `${one.name}, low`, values: one.low }] : []),
    ...(one.high ? [{ name: `${one.name}, high`, values: one.high }] : []),
  ]);
  return {
    columns: [x.column ?? x.label, ...columns.map(({ name }) => name)],
    rows: categories.map((category, i) => [category, ...columns.map(({ values }) => values[i] ?? null)]),
  };
}
