import { expect, it } from 'vitest';
import { type Arena, type ArenaRun, standings } from './arena';
import { arenaSentence, COLUMNS, fewSeeds, markdownOf, rowsOf } from './arena-table';
import { parseRunConfig } from './config';

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

it('names the baseline wherever a method is above or below it', () => {
  expect(arenaSentence(arenaOf({ base: 0.5, good: 0.8 }, 'base'))).toBe(
    'Above base on the same seeds: good.',
  );
  expect(arenaSentence(arenaOf({ base: 0.5, bad: 0.2 }, 'base'))).toBe('Below base on the same seeds: bad.');
});

it('says when there are too few seeds for any difference to be established', () => {
  const some = (n: number) => ({ ...arenaOf({ base: 0.2, good: 0.8 }, 'base'), seeds: seeds.slice(0, n) });
  expect(arenaSentence(some(5))).toBe(
    'For 1 of 1 no difference from base is established with 5 seeds. With 5 seeds the test can establish no difference, however large: 1 comparison takes 6.',
  );
  expect(arenaSentence(some(6))).toBe('Above base on the same seeds: good.');
  expect(fewSeeds(9, 20)).toMatch(/20 comparisons take 10\.$/);
  expect(fewSeeds(10, 20)).toBe('');
});

it('has a median and a difference with their intervals, in percent and in points', () => {
  const found = standings(arenaOf({ base: 0.5, 'a|b': 0.2 }, 'base'));
  const [base, other] = rowsOf(found).map((row) => row.slice(1, 5));
  expect(base).toEqual([6, expect.stringMatching(/^50\.4 % \[50\.\d, 50\.\d\]$/), '50.1 % to 50.6 %', null]);
  expect(other?.[3]).toBe('−30.0 [−30.0, −30.0]');
  const lines = markdownOf(found).trim().split('\n');
  expect(lines).toHaveLength(4);
  // A bar in a name ends no cell.
  for (const line of lines) expect(line.split(/(?<!\\)\|/)).toHaveLength(COLUMNS.length + 2);
});

it('has no interval of one seed', () => {
  const one = { ...arenaOf({ base: 0.5 }, 'base'), seeds: [1] };
  expect(rowsOf(standings(one))[0]?.[2]).toBe('50.1 %');
});
