import { describe, expect, it } from 'vitest';
import { turned } from './camera';
import type { Figure } from './figure';
import { MAX_POINTS, type PointGroup, pointTable } from './points';
import { scatterFigure } from './scatter-figure';

const view = { width: 800, height: 300, theme: 'light', log: false } as const;
// biome-ignore lint/suspicious/noExplicitAny: what is read here is checked here
const traces = (figure: Figure) => figure.data as any[];
// biome-ignore lint/suspicious/noExplicitAny: as above
const layoutOf = (figure: Figure) => figure.layout as any;

describe('scatterFigure', () => {
  const group: PointGroup = {
    name: 'teacher',
    // Two paths, interleaved.
    xyz: [0, 1, 2, 10, 11, 12, 3, 4, 5, 13, 14, 15],
    colour: [0, 0, 1, 1],
    path: [7, 9, 7, 9],
    text: (i) => `<s>${i}`,
    key: (i) => (i % 2 === 0 ? 'even' : null),
  };
  const points = {
    groups: [group],
    axes: [{ label: 'one' }, { label: 'two' }, { label: 'three' }] as const,
    colour: { label: 'step' },
    paths: true,
  };
  const flat = { ...view, plane: '1-3', webgl: false } as const;

  it('takes the directions asked for, and joins each path in its order with a gap between', () => {
    const [line, marks] = traces(scatterFigure(points, flat));
    expect([line.x, line.y]).toEqual([
      [0, 3, null, 10, 13, null],
      [2, 5, null, 12, 15, null],
    ]);
    expect([marks.x, marks.y]).toEqual([
      [0, 10, 3, 13],
      [2, 12, 5, 15],
    ]);
    expect(marks).toMatchObject({ type: 'scatter', marker: { color: [0, 0, 1, 1], coloraxis: 'coloraxis' } });
    expect(marks.text[3]).toBe('&lt;s&gt;3');
    expect(layoutOf(scatterFigure(points, flat)).yaxis.title.text).toBe('three');
  });

  it('is drawn by WebGL in space, and flat where asked', () => {
    const space = traces(scatterFigure(points, { ...flat, plane: '3-D' }));
    expect(space.every(({ type }) => type === 'scatter3d')).toBe(true);
    expect(space[1].z).toEqual([2, 12, 5, 15]);
    expect(traces(scatterFigure(points, { ...flat, webgl: true }))[0].type).toBe('scattergl');
  });

  it('with categories has a trace each, and finds points in them', () => {
    const figure = scatterFigure(
      { ...points, paths: false, colour: { label: 'section', categories: ['question', 'none', 'answer'] } },
      flat,
    );
    expect(traces(figure).map(({ name, x }) => [name, x.length])).toEqual([
      ['question', 2],
      ['none', 2],
    ]);
    expect([figure.keyAt!(0, 0), figure.keyAt!(0, 1), figure.keyAt!(1, 0)]).toEqual(['even', null, 'even']);
  });

  it('gives each group its marker', () => {
    const two = scatterFigure({ ...points, groups: [group, { ...group, name: 'student' }] }, flat);
    const marks = traces(two).filter(({ mode, text }) => mode === 'markers' && text);
    expect(new Set(marks.map(({ marker }) => marker.symbol)).size).toBe(2);
  });

  it('highlights flat by shapes, in space by its last trace', () => {
    const { emphasis, keys } = scatterFigure(points, flat);
    expect([...keys!]).toEqual(['even']);
    expect(emphasis!('even').shapes).toMatchObject([
      { path: 'M0,2L3,5', layer: 'below' },
      { path: 'M0,2L0,2M3,5L3,5', layer: 'below' },
    ]);
    expect(emphasis!(null).shapes).toEqual([]);
    const space = scatterFigure(points, { ...flat, plane: '3-D' });
    expect(space.emphasis!('even')).toMatchObject({
      data: { x: [[0, 3, null]], z: [[2, 5, null]] },
      traces: [space.data.length - 1],
    });
    expect(space.emphasis!(null).data).toEqual({ x: [[]], y: [[]], z: [[]] });
  });

  it('draws no more than it may; the table has all', () => {
    const n = MAX_POINTS + 1;
    const many: PointGroup = {
      name: 'many',
      xyz: Float32Array.from({ length: 3 * n }, (_, i) => i),
      colour: new Float32Array(n),
      text: String,
      key: (i) => (i === 2 ? 'third' : null),
    };
    const figure = scatterFigure({ ...points, groups: [many] }, { ...flat, webgl: true });
    expect(traces(figure)[0].x).toHaveLength(Math.ceil(n / 2));
    expect(figure.keyAt!(0, 1)).toBe('third');
    expect(pointTable({ ...points, groups: [many] }).rows).toHaveLength(n);
  });

  it('has a table with names of categories and the columns asked for', () => {
    const table = pointTable({
      ...points,
      groups: [{ ...group, columns: [{ name: 'layer', values: [1, 2, 3, 4] }] }, group],
      colour: { label: 'section', categories: ['question'] },
    });
    expect(table.columns).toEqual(['selection', 'one', 'two', 'three', 'section', 'text', 'layer']);
    expect(table.rows[1]).toEqual(['teacher', 10, 11, 12, 'question', '<s>1', 2]);
    expect(table.rows[7]).toEqual(['teacher', 13, 14, 15, null, '<s>3', null]);
  });
});

describe('the camera', () => {
  const start = { x: 1, y: 2, z: 0.5 };
  const far = ({ x, y, z }: typeof start) => Math.hypot(x, y, z);

  it('turns without coming nearer, there and back', () => {
    for (const [there, back] of [
      ['left', 'right'],
      ['up', 'down'],
      ['in', 'out'],
    ] as const) {
      const moved = turned(start, there);
      if (there !== 'in') expect(far(moved)).toBeCloseTo(far(start), 12);
      expect(moved).not.toEqual(start);
      const again = turned(moved, back);
      for (const axis of ['x', 'y', 'z'] as const) expect(again[axis]).toBeCloseTo(start[axis], 12);
    }
  });

  it('stops before the pole, the middle and the far end', () => {
    let [over, near, away] = [start, start, start];
    for (let i = 0; i < 40; i++) {
      over = turned(over, 'up');
      near = turned(near, 'in');
      away = turned(away, 'out');
    }
    expect(Math.hypot(over.x, over.y)).toBeGreaterThan(0.01);
    expect(far(near)).toBeGreaterThan(0.3);
    expect(far(away)).toBeLessThan(7);
  });
});
