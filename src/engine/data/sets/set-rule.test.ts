import { describe, expect, it } from 'vitest';
import { isPlainNumber, ruleOf } from './set-rule';

const rows = (...answers: string[]) =>
  answers.map((answer, i) => ({ id: `row-${i + 1}`, answer, reference: answer, rationale: '' }));
const rule = (...answers: string[]) => ruleOf('columns', rows(...answers), new Map());

describe('a plain number', () => {
  it.each([
    '5',
    '-5',
    '1.000',
    '0.5',
    '1,200',
    '$6',
    '$ 1,200.50',
    '5%',
    '20 km/h',
    '12 m²',
    '7 clips',
    '72.',
    '5 °C',
  ])('%s is one', (answer) => expect(isPlainNumber(answer)).toBe(true));
  it.each([
    '3/4',
    '4,5',
    '1,2345',
    '\u22125',
    '5-1',
    '10:30',
    '1½',
    '2x',
    '2π',
    '3²',
    '5 million',
    '1 000',
    'x = 5',
    '',
    '5 or 6',
    '1e5',
    '2^3',
    '.5',
  ])('%s is none', (answer) => expect(isPlainNumber(answer)).toBe(false));
});

describe('the rule of data of your own', () => {
  it.each([
    ['3/4', '1/4'],
    ['4,5', '4.5'],
    ['5', '\u22125'],
    ['5', '10:30'],
  ])('is the whole text where one answer is no plain number: %s, %s', (...answers) => {
    const found = rule('12', ...answers);
    expect(found.id).toBe('text');
    const odd = answers.find((answer) => !isPlainNumber(answer));
    expect(found.notes).toEqual([expect.stringContaining(`${JSON.stringify(odd)}, is not one plain number`)]);
  });

  it('names the first answer that decided so, and nothing where all are words', () => {
    expect(rule('5', '1/2', '3/4').notes[0]).toContain('row-2, "1/2"');
    expect(rule('yes', 'no')).toEqual({ id: 'text', notes: [] });
    expect(rule('5', '$6', '7 clips')).toEqual({ id: 'last-number', notes: [] });
  });

  it('leaves published sets their own', () => {
    const aug = rows('5', '1/2', '7').map((row) => ({ ...row, rationale: '<<2+3=5>>' }));
    expect(ruleOf('cot', aug, new Map())).toEqual({ id: 'last-number', notes: [] });
    const marked = rows('5', '1/2', '7').map((row) => ({ ...row, reference: `#### ${row.answer}` }));
    expect(ruleOf('cot', marked, new Map()).id).toBe('last-number');
    expect(ruleOf('svamp', rows('1/2'), new Map()).id).toBe('last-number');
    expect(ruleOf('cot', rows('5', '1/2'), new Map()).id).toBe('text');
  });
});
