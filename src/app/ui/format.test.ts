import { describe, expect, it } from 'vitest';
import { csv, duration, parameters, probability, remaining, significant, visibleToken } from './format';

describe('format', () => {
  it.each([
    [0, '0'],
    [1.23456, '1.235'],
    [11604.4, '11604'],
    [-0.5, '−0.5000'],
    [3.04e-8, '3.040e−8'],
    [1e7, '1.000e7'],
    [Number.NaN, 'not a number'],
    [Number.POSITIVE_INFINITY, 'infinite'],
  ])('writes %d as %s', (value, text) => expect(significant(value)).toBe(text));

  it('writes times with the unit that fits', () => {
    expect([1.26, 63, 1500, 42_000, 125_000, 7_260_000].map(duration)).toEqual([
      '1.3 ms',
      '63 ms',
      '1.5 s',
      '42 s',
      '2 min 5 s',
      '2 h 1 min',
    ]);
  });

  it('carries 60 seconds over into the minute', () => {
    expect(duration(179_700)).toBe('3 min 0 s');
  });

  it('says what is left once it can', () => {
    expect(remaining(50, 200, 10_000)).toBe('30 s');
    for (const unknown of [
      remaining(0, 200, 10_000),
      remaining(5, 0, 10_000),
      remaining(200, 200, 1e4),
      remaining(1, 200, 100),
    ]) {
      expect(unknown).toBeNull();
    }
  });

  it('does not call a small probability nothing', () => {
    expect([0, 1e-5, 0.0006, 1].map(probability)).toEqual(['0.0 %', '< 0.1 %', '0.1 %', '100.0 %']);
    expect(parameters(740_096)).toBe('740.1 k');
  });

  it('shows blanks of tokens', () => {
    expect([' pens', '\n', '', '<s>'].map(visibleToken)).toEqual(['␣pens', '⏎', '(empty)', '<s>']);
  });

  it('writes CSV that no spreadsheet runs, and every one reads', () => {
    expect(csv([['a,b', 'say "x"', '=1+1', -1.5, null]])).toBe('"a,b","say ""x""",\'=1+1,-1.5,\n');
    expect(csv([[' café', '数']])).toBe('\ufeff café,数\n');
    expect(csv([['-3', '-3+1', '-2.5', '-.5', '+1']])).toBe("-3,'-3+1,-2.5,'-.5,'+1\n");
  });
});
