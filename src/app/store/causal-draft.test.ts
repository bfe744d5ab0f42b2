import { expect, it } from 'vitest';
import type { CausalPoint, CausalReport } from '../../contract/lens';
import {
  type CausalDraft,
  causalErrors,
  causalRequestOf,
  initialCausalDraft,
  mergeReports,
  readRanks,
  usualRanks,
} from './causal-draft';

const bounds = { layers: 4, hidden: 64 };

it('defaults to ranks that are powers of two, then eighths of H', () => {
  expect(usualRanks(64)).toEqual([1, 2, 4, 8, 16, 24, 32, 40, 48, 56, 64]);
  expect(usualRanks(4)).toEqual([1, 2, 3, 4]);
  expect(readRanks('8, 2 8', 64).ranks).toEqual([2, 8]);
  expect(readRanks('65', 64).error).toMatch(/“65”.*0 to 64/);
  expect(readRanks('1.5', 64).error).toMatch(/“1.5”/);
});

it('expands layers, and defaults to the middle one', () => {
  expect(causalRequestOf(initialCausalDraft, bounds).layers).toEqual([2]);
  // With fewer, an interval says little: at 100 problems its half-width is 4 to 10 percentage points.
  expect(causalRequestOf(initialCausalDraft, bounds).problems).toBeGreaterThanOrEqual(100);
  expect(causalRequestOf({ ...initialCausalDraft, layers: 'all' }, bounds)).toMatchObject({
    subject: { kind: 'teacher' },
    layers: [1, 2, 3, 4],
    ranks: usualRanks(64),
  });
});

it.each<[Partial<CausalDraft>, string]>([
  [{ problems: 0 }, 'problems'],
  [{ samples: 1.5 }, 'samples'],
  [{ layers: '5' }, 'layers'],
  [{ ranks: 'x' }, 'ranks'],
  [{ seed: -1 }, 'seed'],
])('%o is refused beside its field', (change, field) => {
  expect([...causalErrors({ ...initialCausalDraft, ...change }, bounds).keys()]).toEqual([field]);
});

it('keeps the points of the same test and drops those of another', () => {
  const point = (rank: number, correct: number): CausalPoint => ({
    rank,
    directions: 'leading',
    accuracy: { correct, total: 20, share: correct / 20, low: 0, high: 1 },
    outcomes: Uint8Array.from({ length: 20 }, (_, i) => Number(i < correct)),
    kept: [],
  });
  const report = (ranks: readonly number[], points: CausalPoint[], problems = 20): CausalReport => ({
    request: { ...causalRequestOf({ ...initialCausalDraft, problems }, bounds), ranks },
    label: 'teacher',
    model: 't',
    hidden: 64,
    whole: point(0, 15).accuracy,
    wholeOutcomes: point(0, 15).outcomes,
    points,
    kernel: 'k',
    dtype: 'f64',
    milliseconds: 1000,
  });
  const old = report([2, 8], [point(2, 1), point(8, 9)]);
  const merged = mergeReports(old, report([4, 8], [point(4, 5), point(8, 10)]));
  expect(merged.points.map(({ rank, accuracy }) => [rank, accuracy.correct])).toEqual([
    [2, 1],
    [4, 5],
    [8, 10],
  ]);
  expect(merged.request.ranks).toEqual([2, 4, 8]);
  expect(mergeReports(old, report([4], [point(4, 5)], 21)).points).toHaveLength(1);
});
