import { expect, it } from 'vitest';
import { thinking } from '../../decode/reasoning.testing';
import { TINY_CONFIG } from '../../train/tiny.testing';
import type { ResolvedSubject } from '../models/subjects';
import { bucketsOf } from './buckets';
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
  const found = buckets([5, 40, 3, 21, 20, 1], 4);
  expect(found.map(({ fed }) => fed.map(({ index }) => index))).toEqual([[1, 3], [4], [0, 2], [5]]);
  expect(found.map(({ shape }) => [shape.batch, shape.question, shape.rest])).toEqual([
    [2, 0, 40],
    [1, 0, 20],
    [2, 0, 5],
    [1, 0, 1],
  ]);
});

it('counts latents as part of the question they follow', () => {
  const [one] = buckets([7, 6], 4, 3);
  expect(one?.shape).toMatchObject({ batch: 2, question: 7, reasoning: thinking(3), rest: 0 });
});

it('batches as many sequences as their states and attention weights leave room for', () => {
  const many = (tokens: number, heads: number) =>
    buckets(new Array<number>(9).fill(tokens), heads)[0]?.shape.batch;
  expect(many(100, 4)).toBe(8);
  // 32 heads of 600 × 600 scores are 46 MB per sequence, out of 64 MiB.
  expect(many(600, 32)).toBe(1);
  expect(many(600, 8)).toBe(5);
});
