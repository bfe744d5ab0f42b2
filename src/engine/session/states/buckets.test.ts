import { expect, it } from 'vitest';
import { Rng } from '../../base/rng';
import { thinking } from '../../decode/reasoning.testing';
import { TINY_CONFIG } from '../../train/tiny.testing';
import type { ResolvedSubject } from '../models/subjects';
import { bucketsOf, columnsRun } from './buckets';
import type { FedSequence } from './fed-sequences';

const reading = (tokens: number, latents = 0): FedSequence => ({
  id: `${tokens}`,
  about: '',
  question: latents > 0 ? new Array<number>(tokens).fill(1) : [],
  reasons: latents > 0,
  rest: latents > 0 ? [] : new Array<number>(tokens).fill(1),
  positions: new Array(tokens + latents).fill({ section: 'text', text: '', id: null }),
});
const buckets = (lengths: readonly number[], heads: number, latents = 0) =>
  bucketsOf(
    lengths.map((n) => reading(n, latents)),
    {
      model: { config: { ...TINY_CONFIG, heads } },
      reasoning: thinking(latents),
    } as unknown as ResolvedSubject,
  );

it('groups sequences of similar length and keeps their places', () => {
  const found = buckets([50, 400, 30, 210, 200, 10], 4);
  expect(found.map(({ fed }) => fed.map(({ index }) => index))).toEqual([[1], [3, 4], [0, 2, 5]]);
  expect(found.map(({ shape }) => [shape.batch, shape.question, shape.rest])).toEqual([
    [1, 0, 400],
    [2, 0, 210],
    [3, 0, 50],
  ]);
  // Another program would take longer than the padding.
  expect(buckets([5, 40, 3, 21, 20, 1], 4)).toHaveLength(1);
});

it('divides them so that programs, padding and places left empty cost least', () => {
  const rng = new Rng(7);
  /** The least cost of all 2ⁿ⁻¹ divisions. */
  const least = (lengths: readonly number[]): number => {
    const [longest, ...rest] = lengths;
    if (longest === undefined) return 0;
    return Math.min(
      ...[longest, ...rest].map((_, n) => {
        const runs = Math.ceil((n + 1) / 8);
        return 256 + runs * Math.ceil((n + 1) / runs) * longest + least(lengths.slice(n + 1));
      }),
    );
  };
  for (let n = 1; n <= 11; n++) {
    const lengths = Array.from({ length: n }, () => rng.integer(1, 400)).sort((a, b) => b - a);
    const found = buckets(lengths, 1);
    expect(256 * found.length + columnsRun(found)).toBe(least(lengths));
    expect(found.flatMap(({ fed }) => fed.map(({ index }) => index)).sort((a, b) => a - b)).toEqual(
      lengths.map((_, i) => i),
    );
  }
});

it('divides thousands of lengths in a moment', () => {
  const rng = new Rng(3);
  const lengths = Array.from({ length: 4096 }, () => rng.integer(60, 400));
  const start = performance.now();
  expect(buckets(lengths, 1).flatMap(({ fed }) => fed)).toHaveLength(4096);
  // Half a second here; 25 s where every piece made a shape.
  expect(performance.now() - start).toBeLessThan(10_000);
});

it('counts latents as part of the question they follow', () => {
  const [one] = buckets([7, 6], 4, 3);
  expect(one?.shape).toMatchObject({ batch: 2, question: 7, reasoning: thinking(3), rest: 0 });
});

it('batches as many sequences as their states and attention weights leave room for', () => {
  const many = (count: number, tokens: number, heads: number) =>
    buckets(new Array<number>(count).fill(tokens), heads).map(({ shape }) => shape.batch);
  // Two batches of 8 would have 7 places left empty.
  expect(many(9, 100, 4)).toEqual([5]);
  // 32 heads of 600 × 600 scores are 46 MB per sequence, out of 64 MiB.
  expect(many(9, 600, 32)).toEqual([1]);
  expect(many(9, 600, 12)).toEqual([3]);
  expect(many(10, 600, 8)).toEqual([5]);
});
