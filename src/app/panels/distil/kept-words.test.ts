import { expect, it } from 'vitest';
import { keptWords } from './kept-words';

it('says what keeping a run takes, and warns before it where there is no room or no place', () => {
  expect(keptWords(1.5e6, 3e9)).toEqual({
    text: 'Kept in this browser while it trains: 1.5 MB, twice that while it is written; 3.00 GB are left for this site.',
    isWarning: false,
  });
  expect(keptWords(1.5e6, 2.9e6)).toMatchObject({
    text: expect.stringMatching(/2\.9 MB are left for this site, so the run might not be kept\. Delete/),
    isWarning: true,
  });
  expect(keptWords(1.5e6, null)).toMatchObject({ isWarning: false });
  expect(keptWords(1.5e6, { unavailable: 'no files here' })).toEqual({
    text: 'The run would not be kept: no files here. Download what you want to keep.',
    isWarning: true,
  });
});
