import { expect, it } from 'vitest';
import { observationSentence } from './observation';

const at = (step: number, effectiveRank: number, cosine = 0.5) => ({ step, effectiveRank, cosine });

it('says how the rank moved', () => {
  expect(observationSentence([])).toBe('');
  expect(observationSentence([at(25, 3)])).toBe('Effective rank 3.0 at step 25, mean cosine 0.50.');
  expect(observationSentence([at(25, 3), at(50, 2.9)])).toMatch(
    /hardly changed from 3\.0 .* to 2\.9 at step 50/,
  );
  expect(observationSentence([at(25, 3), at(50, 6, Number.NaN)])).toBe(
    'The effective rank rose from 3.0 at step 25 to 6.0 at step 50.',
  );
  expect(observationSentence([at(25, 3), at(50, 1.2)])).toMatch(/fell/);
});
