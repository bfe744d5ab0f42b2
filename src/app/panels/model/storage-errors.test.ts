import { expect, it } from 'vitest';
import type { StorageErrors } from '../../../contract/weight-storage';
import { errorRows, errorText, rankRows, storageNotes } from './storage-errors';

it('says by how much, and in how many layers', () => {
  expect([errorText(0.0061), errorText(0.0004567), errorText(0)]).toEqual(['0.61 %', '0.046 %', '0 %']);
  const errors: StorageErrors = {
    layers: [1, 3],
    reference: {
      ...{ storage: 'f32', text: '', tokens: 1, shares: [0.9, 0.95] },
      ranks: [
        [2, 5, 9],
        [3, 7, 12],
      ],
    },
    storages: [
      { storage: 'half', weights: null, states: null, refused: 'weight w.0.q has the value 70000' },
      {
        storage: 'int4',
        weights: { error: 0.07, zeroed: 0.1 },
        states: {
          error: 0.061,
          largest: { layer: 3, error: 0.1 },
          ranks: [
            [2, 5, 9],
            [4, 7, 10],
          ],
        },
      },
    ],
  };
  expect(errorRows(errors)).toEqual([
    ['16 bits', 'refused', 'not measured', '', ''],
    ['4 bits', '7 %', '6.1 %', '3: 10 %', '2 of 6 differ, by at most 2'],
  ]);
  expect(rankRows(errors)).toEqual([
    ['90 %', '5', 'not measured', '5, none differs'],
    ['95 %', '7', 'not measured', '7, 2 of 3 differ, by at most 2'],
  ]);
  expect(storageNotes(errors)).toEqual([
    'The matrices cannot be kept in 16 bits: weight w.0.q has the value 70000.',
    'In 4 bits 10 % of the values become zero.',
  ]);
  expect(rankRows({ ...errors, reference: null })).toEqual([]);
});
