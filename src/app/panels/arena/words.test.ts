import { expect, it } from 'vitest';
import { standings } from '../../../contract/arena';
import { arenaOf, SEEDS } from '../../../contract/arena.testing';
import { lineFigure } from '../../charts/line-figure';
import { seedTable, stripLines } from './words';

it('has each seed’s accuracy in the chart’s table, and its number where a point is shown', () => {
  const { runs, ...arena } = arenaOf({ base: 0.5, good: 0.8 }, 'base');
  const found = standings({ ...arena, runs: runs.slice(0, -1) });
  const { columns, rows } = seedTable(found, SEEDS);
  expect(columns).toEqual(['seed', 'base', 'good']);
  expect(rows[0]).toEqual([1, 0.501, 0.801]);
  expect(rows.at(-1)).toEqual([6, 0.506, null]);
  const [, good] = stripLines(found, SEEDS);
  expect(good?.pointNames).toEqual([1, 2, 3, 4, 5].map((seed) => `seed ${seed}`));
  const axes = { x: { label: 'method' }, y: { label: 'share' } };
  const view = { width: 400, height: 300, theme: 'light', log: false } as const;
  const [first] = lineFigure(stripLines(found, SEEDS), axes, view).data as { hovertemplate?: string }[];
  expect(first?.hovertemplate).toMatch(/^base, %\{text\}: /);
});
