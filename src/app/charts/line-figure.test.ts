import { describe, expect, it } from 'vitest';
import type { Figure } from './figure';
import { lineFigure } from './line-figure';
import { type LineSeries, tableOf } from './series';

const view = { width: 800, height: 300, theme: 'light', log: false } as const;
// biome-ignore lint/suspicious/noExplicitAny: what is read here is checked here
const traces = (figure: Figure) => figure.data as any[];

describe('lineFigure', () => {
  const axes = { x: { label: 'r' }, y: { label: 'y' } };
  const series: LineSeries[] = [
    { name: 'a', key: 'a', x: [1, 2, 3], y: [4, 5, 6] },
    { name: 'strong', weight: 'strong', x: [1, 2, 3], y: [1, 2, 3] },
    {
      name: 'band',
      key: 'b',
      x: [1, 2, 3],
      y: [4, 5, 6],
      low: [3, Number.NaN, 5],
      high: [7, 8, 9],
      interval: 'area',
    },
  ];

  it('closes an area around its ends, leaving out what is no number', () => {
    const [area] = traces(lineFigure(series, axes, view));
    expect(area).toMatchObject({ fill: 'toself', x: [1, 3, 3, 1], y: [7, 9, 5, 3], hoverinfo: 'skip' });
    expect(area.fillcolor).toMatch(/^rgba\(\d+,\d+,\d+,0\.18\)$/);
  });

  it('leaves a gap on a logarithmic scale where a value has no logarithm', () => {
    const line = [{ name: 'a', x: [1, 2, 3, 4], y: [2, -1e-8, 0, 3] }];
    const yOf = (log: boolean) => traces(lineFigure(line, axes, { ...view, log }))[0].y;
    expect(yOf(true)).toEqual([2, Number.NaN, Number.NaN, 3]);
    expect(yOf(false)).toEqual([2, -1e-8, 0, 3]);
  });

  it('draws counts as steps around their numbers, filled, and told apart by their dashes', () => {
    const counts = ['right', 'wrong'].map((name) => ({ name, steps: true, x: [2, 3], y: [4, 0] }));
    const [right, wrong] = traces(lineFigure(counts, axes, view));
    expect(right).toMatchObject({ mode: 'lines', fill: 'tozeroy', line: { shape: 'hvh' } });
    expect(right.line.dash).not.toBe(wrong.line.dash);
    const [plain] = traces(lineFigure([{ name: 'a', x: [1], y: [1] }], axes, view));
    expect([plain.fill, plain.line.shape]).toEqual([undefined, 'linear']);
  });

  it('finds the line of a trace although the order of drawing differs, and not by its area', () => {
    const { keyAt, data } = lineFigure(series, axes, view);
    const named = data.map((trace, i) => [(trace as { name: string }).name, keyAt!(i, 0)]);
    expect(named).toEqual([
      ['band', null],
      ['a', 'a'],
      ['band', 'b'],
      ['strong', null],
    ]);
  });

  it('lets others that could be meant step back, and puts all back', () => {
    const figure = lineFigure(series, axes, view);
    const looksOf = (key: string | null) =>
      Object.fromEntries(figure.emphasis!(key).looks!.map(({ uid, ...look }) => [uid, look]));
    const drawn = traces(figure).filter(({ uid }) => uid);
    const before = drawn.map(({ uid, opacity, line }) => [uid, { opacity, width: line.width }]);
    expect(looksOf(null)).toEqual(Object.fromEntries(before));
    const shares = drawn.map(({ uid, name }) => [name, looksOf('b')[uid]!.opacity]);
    expect(shares).toEqual([
      ['a', 0.25],
      ['band', 1],
      ['strong', 1],
    ]);
    const band = drawn.find(({ name }) => name === 'band');
    expect(looksOf('b')[band.uid]!.width).toBeGreaterThan(band.line.width);
    expect([...figure.keys!]).toEqual(['a', 'b']);
  });

  it('knows single points, and puts discs behind those that are meant', () => {
    const keyed: LineSeries[] = [
      { name: 'a', x: [1, 2, 3], y: [4, -5, Number.NaN], keys: ['one', 'two', 'one'] },
      { name: 'b', key: 'b', x: [1, 2], y: [6, 7], keys: [null, 'two'] },
    ];
    const { keyAt, keys, emphasis } = lineFigure(keyed, axes, view);
    expect([...keys!].sort()).toEqual(['b', 'one', 'two']);
    expect([keyAt!(0, 1), keyAt!(1, 0), keyAt!(1, 1)]).toEqual(['two', 'b', 'two']);
    expect(emphasis!('two').shapes).toMatchObject([{ path: 'M2,-5L2,-5M2,7L2,7' }]);
    expect(emphasis!('one').shapes).toMatchObject([{ path: 'M1,4L1,4' }]);
    expect(emphasis!('b').shapes).toEqual([]);
    expect(emphasis!('two').looks!.map(({ opacity }) => opacity)).toEqual([1, 1]);
    const log = lineFigure(keyed, axes, { ...view, log: true });
    expect(log.emphasis!('two').shapes).toMatchObject([{ path: 'M2,7L2,7' }]);
  });

  it('writes at most a handful of powers of ten', () => {
    const apart = (...y: number[]) => {
      const { layout } = lineFigure([{ name: 'a', x: y.map((_, i) => i), y }], axes, { ...view, log: true });
      return (layout.yaxis as { dtick: number }).dtick;
    };
    expect(apart(1e-3, 10)).toBe(1);
    expect(apart(2e-9, 10)).toBe(2);
    expect(apart(Number.NaN, 0, -1, 1e-20, 1)).toBe(4);
    expect(apart()).toBe(1);
  });

  it('keeps its look where the caller numbers it', () => {
    const [one, other] = [0, 5].map((before) =>
      traces(
        lineFigure(
          [
            ...Array.from({ length: before }, () => series[1]!),
            { ...series[0]!, look: { colour: 2, dash: 1, marker: 3 } },
          ],
          axes,
          view,
        ),
      ).find(({ name }) => name === 'a'),
    );
    expect([other.line.color, other.line.dash, other.marker.symbol]).toEqual([
      one.line.color,
      one.line.dash,
      one.marker.symbol,
    ]);
  });

  it('has a table with the ends of intervals', () => {
    const { columns, rows } = tableOf(series.slice(2), 'rank');
    expect(columns).toEqual(['rank', 'band', 'band, low', 'band, high']);
    expect(rows[0]).toEqual([1, 4, 3, 7]);
  });
});
