import { expect, it } from 'vitest';
import { parseRunConfig } from '../contract/config';
import { emptySeries } from '../contract/series-schema';
import { ARENA_TAG, MAX_RUNS, readRows, surplusOf } from './store';

const row = { id: 'run', savedAt: 5, config: parseRunConfig({}), result: null, series: emptySeries };

it.each([
  [
    'an unknown setting',
    { ...row, config: { ...row.config, later: 1 } },
    'config.later: there is no such setting',
  ],
  ['no configuration', { ...row, config: undefined }, 'config: '],
  ['an impossible date', { ...row, savedAt: 9e15 }, 'savedAt: '],
  ['no date', { ...row, savedAt: Number.NaN }, 'savedAt: '],
  ['a date as a text', { ...row, savedAt: 'today' }, 'savedAt: '],
  ['another id', { ...row, id: 'other' }, 'its id does not match'],
  ['nothing', null, 'the row: '],
])('lists a row with %s as damaged, without losing any other', (_what, bad, reason) => {
  const { runs, damaged } = readRows(
    new Map<string, unknown>([
      ['run', bad],
      ['good', { ...row, id: 'good' }],
    ]),
  );
  expect(runs.map(({ id }) => id)).toEqual(['good']);
  expect(damaged).toEqual([{ id: 'run', reason: expect.stringContaining(reason) }]);
});

it('stores the ranks that a run used instead of the requested ones', () => {
  const { config } = row;
  const result = {
    ...{ config, status: 'done', steps: 3, heldOut: null, teacher: null, programs: 1, trainable: 8 },
    ...{ provider: 'wasm', models: {}, seconds: { teacher: 1, compile: 1, train: 1, evaluate: 1 } },
    ranksUsed: { 'factors.hiddenRank': 12 },
  };
  const { runs } = readRows(new Map<string, unknown>([['run', { ...row, result }]]));
  expect(runs[0]?.result?.ranksUsed).toEqual({ 'factors.hiddenRank': 12 });
});

it('counts the arena’s runs and the others towards limits of their own, and never drops a needed one', () => {
  const rows = Array.from({ length: 3 * MAX_RUNS }, (_, i) => ({
    id: `${i}`,
    // Two in three belong to the arena: without a limit of their own they would push the others out.
    tags: i % 3 === 0 ? ['mine'] : ['mine', ARENA_TAG],
  }));
  const dropped = surplusOf(rows, (id) => id === '149');
  // The arena's exceed their limit by 50, of which the oldest is needed; the others do not exceed theirs.
  expect(dropped).toHaveLength(MAX_RUNS - 1);
  expect(dropped.every(({ tags }) => tags.includes(ARENA_TAG))).toBe(true);
  expect(Math.min(...dropped.map(({ id }) => Number(id)))).toBe(76);
  expect(surplusOf(rows.slice(0, 75), () => false)).toEqual([]);
});
