import { describe, expect, it } from 'vitest';
import type { Figure } from './figure';
import { heatFigure, matrixFile, matrixTable } from './heat-figure';

const view = { width: 800, height: 300, theme: 'light', log: false } as const;
// biome-ignore lint/suspicious/noExplicitAny: what is read here is checked here
const traces = (figure: Figure) => figure.data as any[];
// biome-ignore lint/suspicious/noExplicitAny: as above
const layoutOf = (figure: Figure) => figure.layout as any;

describe('heatFigure', () => {
  const matrix = {
    x: { label: 'j', values: [1, 2, 3] },
    y: { label: 'i', values: ['p', 'q'], keys: ['layer 1', 'layer 2'] },
    z: [100, 1, 0, 10, Number.NaN, 0.01],
    value: { label: 'energy' },
  };

  it('puts the first row at the bottom, row by row', () => {
    expect(traces(heatFigure(matrix, view))[0].z).toEqual([
      [100, 1, 0],
      [10, Number.NaN, 0.01],
    ]);
  });

  it('shades logarithms, without what has none, and marks powers of ten', () => {
    const [trace] = traces(heatFigure(matrix, { ...view, log: true }));
    expect(trace.z).toEqual([
      [2, 0, Number.NaN],
      [1, Number.NaN, -2],
    ]);
    expect([trace.zmin, trace.zmax]).toEqual([-2, 2]);
    expect(trace.colorbar.tickvals).toEqual([-2, -1, 0, 1, 2]);
    expect(trace.colorbar.ticktext[0]).toBe('10<sup>−2</sup>');
  });

  it('writes numbers into few cells and not into many', () => {
    expect(layoutOf(heatFigure(matrix, view)).annotations.map(({ text }: { text: string }) => text)).toEqual([
      '100',
      '1.0',
      '0',
      '10',
      '',
      '0.010',
    ]);
    const many = { ...matrix, x: { label: 'j', values: Array.from({ length: 64 }, (_, i) => i) } };
    expect(layoutOf(heatFigure({ ...many, z: new Float32Array(128).fill(2) }, view)).annotations).toEqual([]);
  });

  it('survives values of which none is a number, or all are the same', () => {
    for (const z of [Array(6).fill(Number.NaN), Array(6).fill(3), Array(6).fill(-1)]) {
      for (const log of [false, true]) {
        const [trace] = traces(heatFigure({ ...matrix, z }, { ...view, log }));
        expect(trace.zmin).toBeUndefined();
      }
    }
  });

  it('frames the row that is highlighted, and knows it by its cells', () => {
    const { emphasis, keyAt } = heatFigure(matrix, view);
    expect(emphasis!('layer 2').shapes).toMatchObject([{ x0: -0.5, x1: 2.5, y0: 0.5, y1: 1.5 }]);
    expect(emphasis!(null).shapes).toEqual([]);
    expect(keyAt!(0, [1, 2])).toBe('layer 2');
  });

  it('refuses values of another shape', () => {
    expect(() => heatFigure({ ...matrix, z: [1] }, view)).toThrow(
      'heat map of 2 × 3 cells was given 1 values',
    );
  });

  it('is a matrix as a table and a row a cell as a file', () => {
    expect(matrixTable(matrix)).toMatchObject({ columns: ['i \\ j', '1', '2', '3'] });
    expect(matrixTable(matrix).rows[1]).toEqual(['q', 10, Number.NaN, 0.01]);
    expect(matrixFile(matrix).rows).toHaveLength(6);
    expect(matrixFile(matrix).rows[5]).toEqual(['q', 3, 0.01]);
  });
});
