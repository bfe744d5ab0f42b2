import { describe, expect, it } from 'vitest';
import { lineFigure } from './line-figure';
import { lookOf } from './look';
import { DRAWN_POINTS, type LineSeries, placesToDraw, rowsOf, tableOf } from './series';

describe('placesToDraw', () => {
  it('keeps all of a few points', () => {
    expect(placesToDraw([3, 1, 2])).toEqual([0, 1, 2]);
    expect(placesToDraw([])).toEqual([]);
  });

  it('keeps ends, peaks and gaps of many, in order, and no more than it may', () => {
    const y = Float64Array.from({ length: 10_007 }, (_, i) => Math.sin(i / 40));
    y[5000] = 99;
    y[7000] = -99;
    y[8000] = Number.NaN;
    const places = placesToDraw(y);
    for (const place of [0, 5000, 7000, 8000, 10_006]) expect(places).toContain(place);
    expect(places.length).toBeLessThanOrEqual(DRAWN_POINTS);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(new Set(places).size).toBe(places.length);
  });
});

it('rowsOf joins lines by x', () => {
  const rows = rowsOf([
    { x: [1, 2], y: [10, 20] },
    { x: [2, 3], y: [200, 300] },
  ]);
  expect(rows.map(({ x, values }) => [x, ...values])).toEqual([
    [1, 10, null],
    [2, 20, 200],
    [3, null, 300],
  ]);
});

it('tableOf has every point, also of many at one x', () => {
  const keys = ['train-0', 'train-1', 'train-2'];
  const points = { x: [12, 12, 9], keys, points: true };
  const table = tableOf(
    [
      { ...points, name: '80 %', y: [8, 7, 6] },
      { ...points, name: '90 %', y: [11, 10, 9] },
    ],
    'tokens',
  );
  expect(table.columns).toEqual(['tokens', 'of', '80 %', '90 %']);
  expect(table.rows).toEqual([
    [9, 'train-2', 6, 9],
    [12, 'train-0', 8, 11],
    [12, 'train-1', 7, 10],
  ]);
  expect(tableOf([{ name: 'y', x: [1, 1], y: [5, 6] }], 'x').rows).toEqual([
    [1, 5],
    [1, 6],
  ]);
});

it('35 lines differ without their colours', () => {
  const looks = Array.from({ length: 35 }, (_, i) => lookOf(i, {}, 'light', 35));
  expect(new Set(looks.map(({ dash, symbol }) => `${dash} ${symbol}`)).size).toBe(35);
});

describe('lineFigure', () => {
  const axes = { x: { label: 'a < b' }, y: { label: 'y' } };
  const view = { log: false, theme: 'dark', width: 1, height: 1 } as const;
  const line = (more: Partial<LineSeries>): LineSeries => ({
    name: '<s>',
    x: [1, 2],
    y: [0.5, 0.75],
    ...more,
  });

  it('writes markup as text', () => {
    const { data, layout } = lineFigure([line({})], axes, view);
    expect(JSON.stringify([data, layout])).not.toMatch(/<s>|a < b/);
    expect((data[0] as { name: string }).name).toBe('&lt;s&gt;');
  });

  it('turns intervals into distances from the value, and draws what stands out last', () => {
    const { data } = lineFigure(
      [line({ name: 'strong', weight: 'strong' }), line({ low: [0.25, 0.5], high: [1, 1] })],
      axes,
      view,
    );
    expect(data[0]).toMatchObject({ error_y: { array: [0.5, 0.25], arrayminus: [0.25, 0.25] } });
    expect(data[1]).toMatchObject({ name: 'strong', legendrank: 0 });
  });
});
