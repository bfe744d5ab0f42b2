import { expect, it } from 'vitest';
import { BUNDLED_ROWS, FORMAT_TEXTS, licenceWords } from './data';

it('says whose licence it is: of the published set in a form, unless the hash says that it is that set', () => {
  const { licence } = FORMAT_TEXTS.gsm8k;
  expect(licenceWords({ licence, sha256: 'f'.repeat(64) })).toBe(
    'of the published set in this form: MIT (openai/grade-school-math)',
  );
  expect(licenceWords({ licence, sha256: BUNDLED_ROWS.sha256 })).toBe(licence);
  expect(licenceWords({ licence: null, sha256: '' })).toBe('not known');
});
