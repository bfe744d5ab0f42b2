import { expect, it } from 'vitest';
import { errorText, rankRows } from './storage-errors';

it('says by how much, and in how many layers', () => {
  expect([errorText(0.0061), errorText(0.0004567), errorText(0)]).toEqual(['0.61 %', '0.046 %', '0 %']);
  const ranks = [
    { share: 0.9, f32: [2, 5, 9], int8: [2, 5, 9] },
    { share: 0.95, f32: [3, 7, 12], int8: [4, 7, 10] },
  ];
  expect(rankRows({ ranks, text: '', tokens: 1, error: 0, largest: { layer: 1, error: 0 } })).toEqual([
    ['90 %', '5', '5', 'none'],
    ['95 %', '7', '7', '2 of 3, by at most 2'],
  ]);
});
