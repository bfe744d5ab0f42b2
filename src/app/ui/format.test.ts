import Papa from 'papaparse';
import { describe, expect, it } from 'vitest';
import {
  csv,
  duration,
  parameters,
  probability,
  remaining,
  significant,
  timeLeft,
  visibleToken,
} from './format';

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
    expect(remaining(50, 200, 10_000)).toBe(30_000);
    expect([30_000, 1000, 339, 4].map(timeLeft)).toEqual([
      'about 30 s left',
      'about 1.0 s left',
      'less than 1 s left',
      'less than 1 s left',
    ]);
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
});

describe('case 23: CSV for other tools', () => {
  /** Tokens of a rationale, some of which a spreadsheet would compute. */
  const tokens = [
    ...[' <<12', '+7', '=19>>', '-4', '*3', '/2', '=19>> The', ' café', '数', '\n', '"', 'a,b', ' ', '@'],
    '−7',
  ];
  const rows = [
    ['token', 'x'],
    ...tokens.map((token, i) => [token, [Number.NaN, Number.POSITIVE_INFINITY][i] ?? -i / 3]),
  ];

  it('every token comes back as it was, and numbers are numbers', () => {
    const { data } = Papa.parse<string[]>(csv(rows).slice(1), { skipEmptyLines: 'greedy' });
    expect(data).toEqual(rows.map((row) => row.map(String)));
    expect(data.slice(1, 5).map(([, x]) => x)).toEqual(['NaN', 'Infinity', `${-2 / 3}`, '-1']);
  });

  it('what is not ASCII begins with a byte order mark, which other files lack', () => {
    expect(csv(rows)).toMatch(/^\ufefftoken,x\n/);
    expect(csv([['a,b', 'say "x"', -1.5, null]])).toBe('"a,b","say ""x""",-1.5,\n');
  });

  it('guarded: no cell that a spreadsheet would compute; nothing else differs', () => {
    const text = csv(rows, true);
    expect(text).not.toMatch(/(^|,)"?[=+@]/m);
    const { data } = Papa.parse<string[]>(text.slice(1), { skipEmptyLines: 'greedy' });
    const changed = data.flatMap(([token], i) => (token === rows[i]?.[0] ? [] : [token]));
    expect(changed).toEqual(["'+7", "'=19>>", "'=19>> The", "'@"]);
    expect(csv([['-3', '-3+1', '-2.5', '-.5', '+1']], true)).toBe("-3,'-3+1,-2.5,'-.5,'+1\n");
  });
});
