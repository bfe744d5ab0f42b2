import { describe, expect, it } from 'vitest';
import { fieldText, readNumber } from './number';

describe('case 16: readNumber', () => {
  it.each([
    ['12', 12],
    [' 12 ', 12],
    ['-3', -3],
    ['+3', 3],
    ['.5', 0.5],
    ['5.', 5],
    ['1e-3', 0.001],
    ['1E5', 100_000],
    ['0,5', 0.5],
    ['0,001', 0.001],
    ['0.001', 0.001],
    ['1,5e-3', 0.0015],
    ['12,34', 12.34],
    ['1,000,000', 1_000_000],
    ['1.000.000', 1_000_000],
    ['1,000.5', 1000.5],
    ['1.000,5', 1000.5],
    ['1 000', 1000],
    ['1\u202f000', 1000],
    ['1\u00a0000\u00a0000', 1_000_000],
    ['1’000', 1000],
    ['1_000', 1000],
    ['1 000,5', 1000.5],
    ['1234,567', 1234.567],
  ])('%j is %d', (text, value) => {
    expect(readNumber(text)).toEqual({ value, problem: null });
    if (Number.isInteger(value)) expect(readNumber(text, true).value).toBe(value);
  });

  it('refuses what could mean two numbers, and names both', () => {
    expect(readNumber('1,000')).toEqual({
      value: Number.NaN,
      problem: '“1,000” could mean 1000 or 1: type one of these.',
    });
    expect(readNumber('12,500').problem).toContain('12500 or 12.5');
    expect(readNumber('1.000', true).problem).toContain('1000 or 1');
    expect(readNumber('1,000', true).problem).not.toBeNull();
    // In a field that takes decimals, a point is a decimal point.
    expect(readNumber('1.000').value).toBe(1);
    expect(readNumber('1.500').value).toBe(1.5);
  });

  it.each([
    '',
    '  ',
    'ten',
    '1 00',
    '1 0000',
    '1,00,000',
    '1.2.3',
    '1,2,3',
    '0x10',
    'Infinity',
    'NaN',
    '1e',
    '--1',
  ])('%j is refused with a reason', (text) => {
    const { value, problem } = readNumber(text);
    expect(value).toBeNaN();
    expect(problem).toMatch(/expected|not a number/);
  });

  it('keeps its message short', () => {
    expect(readNumber('x'.repeat(10_000)).problem?.length).toBeLessThan(150);
  });
});

describe('the text of a field', () => {
  it('stays as it was typed while it says the same', () => {
    expect(fieldText('1e-3', 0.001, false)).toBe('1e-3');
    expect(fieldText('abc', Number.NaN, false)).toBe('abc');
    expect(fieldText('', Number.NaN, true)).toBe('');
  });

  it('follows a value that was changed elsewhere, also to one that is refused', () => {
    expect(fieldText('12', 7, true)).toBe('7');
    expect(fieldText('abc', 7, true)).toBe('7');
    expect(fieldText('12', -3, true)).toBe('-3');
  });

  it('says no earlier number where Undo or Redo brings back what was none', () => {
    expect(fieldText('12', Number.NaN, true)).toBe('');
    // Two readings are one number only where both are.
    expect(fieldText('1,000', 1000, true)).toBe('1000');
  });
});
