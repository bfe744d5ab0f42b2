import { expect, it } from 'vitest';
import { type Arena, standings } from '../../../contract/arena';
import { arenaOf, SEEDS } from '../../../contract/arena.testing';
import { lineFigure } from '../../charts/line-figure';
import { runTable, seedTable, stripLines } from './words';

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

it('shows a kept student at its own seed, without a median, and names its run for other programs', () => {
  const arena: Arena = {
    ...arenaOf({ base: 0.5 }, 'base'),
    kept: [{ name: 'mine', run: 'run-1', seed: 77 }],
  };
  const whole = { ...arena, runs: [...arena.runs, { name: 'mine', seed: 77, correct: 9, total: 10 }] };
  const found = standings(whole);
  const lines = stripLines(found, SEEDS);
  expect(lines.map(({ name }) => name)).toEqual(['base', 'mine', 'base, median']);
  expect(lines[1]).toMatchObject({ x: [2], y: [0.9], pointNames: ['seed 77'] });
  expect(seedTable(found, SEEDS).rows.at(-1)).toEqual([77, null, 0.9]);
  const { columns, rows } = runTable(whole);
  const at = columns.indexOf('kept run');
  expect([rows[0]?.[at], rows.at(-1)?.[at]]).toEqual([null, 'run-1']);
  expect(runTable(arenaOf({ base: 0.5 }, 'base')).columns).not.toContain('kept run');
});
