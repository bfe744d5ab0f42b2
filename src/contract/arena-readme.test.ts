import { expect, it } from 'vitest';
import plan from '../../docs/arena/methods.json?raw';
import readme from '../../README.md?raw';
import { readArenaFile, standings } from './arena';
import { rowsOf } from './arena-table';
import { ALPHA } from './paired';

const { arena } = readArenaFile(plan);
const found = standings(arena).sort((a, b) => (b.overSeeds?.median ?? 0) - (a.overSeeds?.median ?? 0));

/** Rows of the table below “All methods in one arena”. */
const [, below = ''] = readme.split('**All methods in one arena.**');
const [table = ''] = below.slice(below.indexOf('\n| ') + 1).split('\n\n');
const shown = table
  .split('\n')
  .slice(2)
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

it('README’s table of all methods is what the arena’s file has, from the highest median down', () => {
  // Name, median, lowest to highest, difference and p; the table’s head says that they are percent.
  const expected = rowsOf(found).map((row) =>
    [0, 2, 3, 4, 5].map((column) => `${row[column] ?? '–'}`.replaceAll(' %', '')),
  );
  expect(expected).toHaveLength(arena.contenders.length);
  expect(shown.map(([name, ...cells]) => [name?.replaceAll('**', ''), ...cells])).toEqual(expected);
});

it('README has in bold what is above the baseline beyond doubt, and no other', () => {
  const above = found.filter(({ against }) => against && (against.p ?? 1) < ALPHA && against.difference > 0);
  expect(above.length).toBeGreaterThan(0);
  expect(shown.flatMap(([name = '']) => (name.startsWith('**') ? [name.replaceAll('**', '')] : []))).toEqual(
    above.map(({ name }) => name),
  );
});
