import { describe, expect, it } from 'vitest';
import { formatRanges, parseRanges } from './range-list';

const layers = { least: 1, most: 24, name: 'layer' };
const read = (text: string) => parseRanges(text, layers);

describe('parseRanges', () => {
  it.each([
    ['1-4, 8', [1, 2, 3, 4, 8]],
    ['8,1 - 3', [1, 2, 3, 8]],
    [' 24 ', [24]],
    ['3–5;4..6', [3, 4, 5, 6]],
    ['2-2', [2]],
    ['007', [7]],
  ])('reads %j', (text, values) => expect(read(text)).toEqual({ values, error: null }));

  it.each([
    ['', 'Name at least one layer from 1 to 24, such as "1-24".'],
    [' , ', 'Name at least one layer from 1 to 24, such as "1-24".'],
    ['1,,3', 'There is nothing between two commas, or before or after one.'],
    ['1-4,', 'There is nothing between two commas, or before or after one.'],
    ['1-4, x', '"x" is no whole number and no range such as "1-24".'],
    ['-3', '"-3" is no whole number and no range such as "1-24".'],
    ['1.5', '"1.5" is no whole number and no range such as "1-24".'],
    ['1-2-3', '"1-2-3" is no whole number and no range such as "1-24".'],
    ['9-4', '"9-4" runs backwards: write 4-9.'],
    ['0-3', 'There is no layer 0: they are 1 to 24.'],
    ['20-25', 'There is no layer 25: they are 1 to 24.'],
    // Refused before anything of that length is made.
    ['1-999999999999', 'There is no layer 999999999999: they are 1 to 24.'],
  ])('says what is wrong with %j', (text, error) => expect(read(text)).toEqual({ values: null, error }));

  it('has an example where there is only one', () => {
    expect(parseRanges('', { least: 1, most: 1, name: 'layer' }).error).toContain('such as "1"');
  });
});

describe('formatRanges', () => {
  it('writes three in a row as a range', () => {
    expect(formatRanges([8, 1, 2, 3, 5, 6, 6])).toBe('1-3, 5, 6, 8');
    expect(formatRanges([])).toBe('');
  });

  it('is read as what was written, whatever it was', () => {
    for (let bits = 1; bits < 2 ** 12; bits += 7) {
      const values = Array.from({ length: 12 }, (_, i) => i + 1).filter((i) => (bits >> (i - 1)) & 1);
      expect(read(formatRanges(values)).values).toEqual(values);
    }
  });
});
