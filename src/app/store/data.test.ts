import { expect, it } from 'vitest';
import { drawnWords, initialDataDraft, rationaleWords } from './data';

it('names drawn rows by their number, and without it while that is not valid', () => {
  const draft = (samples: number, heldOut = 2) => ({ ...initialDataDraft, samples, heldOut });
  expect([16, 1, Number.NaN, 1.5].map((samples) => drawnWords(draft(samples), 'sample'))).toEqual([
    '16 sampled rows',
    '1 sampled row',
    'sampled rows',
    'sampled rows',
  ]);
  expect(drawnWords(draft(Number.NaN), 'held-out')).toBe('2 held-out rows');
  expect(drawnWords(draft(16, Number.NaN), 'held-out')).toBe('held-out rows');
  expect([16, 1, Number.NaN].map((samples) => rationaleWords(draft(samples), 'GSM8K'))).toEqual([
    '16 GSM8K rationales',
    '1 GSM8K rationale',
    'GSM8K rationales',
  ]);
  expect(rationaleWords(draft(Number.NaN), '')).toBe('rationales');
});
