import { expect, it } from 'vitest';
import { estimateWords } from './RowsFigure';

const estimate = { memory: 2e9, kept: 0, fits: true, fittingTokens: undefined, seconds: undefined };

it('says whether rows fit, what would, and on a GPU that it is not known', () => {
  expect(estimateWords(estimate)).toBe('Estimated memory: 2.00 GB, page included.');
  expect(estimateWords({ ...estimate, fits: false, fittingTokens: 300 })).toBe(
    'Estimated memory: 2.00 GB, page included. That does not fit: use rows of at most 300 tokens.',
  );
  expect(estimateWords({ ...estimate, fits: null })).toBe(
    'Estimated memory: 2.00 GB, page included. Whether it fits is not known: a GPU does not say how much memory it has.',
  );
});
