import { expect, it } from 'vitest';
import { type Arena, type ArenaRun, standings } from '../../../contract/arena';
import { parseRunConfig } from '../../../contract/config';
import { lineFigure } from '../../charts/line-figure';
import { seedTable, stripLines } from './words';

const config = parseRunConfig({ method: 'ce' });
const seeds = [1, 2, 3, 4, 5, 6];
/** Every contender's accuracy, a little different on each seed. */
function arenaOf(accuracy: Readonly<Record<string, number>>, baseline: string): Arena {
  const names = Object.keys(accuracy);
  const runs = names.flatMap((name) =>
    seeds.map((seed): ArenaRun => {
      return { name, seed, correct: 1000 * (accuracy[name] as number) + seed, total: 1000 };
    }),
  );
  return { contenders: names.map((name) => ({ name, config })), seeds, baseline, runs };
}

it('has each seed’s accuracy in the chart’s table, and its number where a point is shown', () => {
  const { runs, ...arena } = arenaOf({ base: 0.5, good: 0.8 }, 'base');
  const found = standings({ ...arena, runs: runs.slice(0, -1) });
  const { columns, rows } = seedTable(found, seeds);
  expect(columns).toEqual(['seed', 'base', 'good']);
  expect(rows[0]).toEqual([1, 0.501, 0.801]);
  expect(rows.at(-1)).toEqual([6, 0.506, null]);
  const [, good] = stripLines(found, seeds);
  expect(good?.pointNames).toEqual([1, 2, 3, 4, 5].map((seed) => `seed ${seed}`));
  const axes = { x: { label: 'method' }, y: { label: 'share' } };
  const view = { width: 400, height: 300, theme: 'light', log: false } as const;
  const [first] = lineFigure(stripLines(found, seeds), axes, view).data as { hovertemplate?: string }[];
  expect(first?.hovertemplate).toMatch(/^base, %\{text\}: /);
});
