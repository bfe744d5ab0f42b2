import { expect, it } from 'vitest';
import { standings } from './arena';
import { arenaOf, SEEDS } from './arena.testing';
import { arenaNote, arenaSentence, COLUMNS, fewSeeds, markdownOf, rowsOf } from './arena-table';

it('names the baseline wherever a method is above or below it', () => {
  expect(arenaSentence(arenaOf({ base: 0.5, good: 0.8 }, 'base'))).toBe(
    'Above base on the same seeds: good.',
  );
  expect(arenaSentence(arenaOf({ base: 0.5, bad: 0.2 }, 'base'))).toBe('Below base on the same seeds: bad.');
});

it('says when there are too few seeds for any difference to be established', () => {
  const some = (n: number) => ({ ...arenaOf({ base: 0.2, good: 0.8 }, 'base'), seeds: SEEDS.slice(0, n) });
  expect(arenaSentence(some(5))).toBe(
    'For 1 of 1 no difference from base is established with 5 seeds. With 5 seeds the test can establish no difference, however large: 1 comparison takes 6.',
  );
  expect(arenaSentence(some(6))).toBe('Above base on the same seeds: good.');
  // One run more, and Holm corrects for two comparisons.
  const arena = arenaOf({ base: 0.2, good: 0.8, late: 0.5 }, 'base');
  const runs = arena.runs.filter(({ name, seed }) => name !== 'late' || seed === 1);
  expect(arenaSentence({ ...arena, runs })).toBe(
    'For 1 of 1 no difference from base is established with 6 seeds. With 6 seeds the test can establish no difference, however large: 2 comparisons take 7.',
  );
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

it('says below the table what it compares, on how many problems, and by which test', () => {
  const arena = arenaOf({ base: 0.5, good: 0.8, other: 0.5 }, 'base');
  const note = arenaNote(arena);
  expect(note).toMatch(
    /^Right answers to \d+ held-out problems, .*Differences are from base, paired by seed/,
  );
  expect(note).toContain('corrected by Holm for 2 comparisons');
  expect(note).toContain(arenaSentence(arena));
  expect(markdownOf(standings(arena), note).trim().split('\n').at(-1)).toBe(note);
});

it('has no interval of one seed', () => {
  const one = { ...arenaOf({ base: 0.5 }, 'base'), seeds: [1] };
  expect(rowsOf(standings(one))[0]?.[2]).toBe('50.1 %');
});
