import { describe, expect, it } from 'vitest';
import { AS_DETECTED, type DataDraw, NO_FILTER } from '../../../contract/data';
import type { DataSet } from './data-set';
import { normalised, spreadOf } from './data-set';
import { readData } from './read';

const set = (rows: readonly object[]): Promise<DataSet> =>
  readData(
    [{ name: 'rows', data: new Blob([rows.map((row) => `${JSON.stringify(row)}\n`).join('')]) }],
    AS_DETECTED,
  );
const steps = (n: number) => Array.from({ length: n }, (_, i) => `<<${i}+1=${i + 1}>>`);
/** 200 questions of 1 to 5 steps. */
const many = () =>
  set(
    Array.from({ length: 200 }, (_, i) => ({
      question: `How many are ${i}${' more'.repeat(i % 7)}?`,
      steps: steps(1 + (i % 5)),
      answer: '1',
    })),
  );
const draw = (change: Partial<DataDraw> = {}): DataDraw => ({ seed: 3, samples: 16, heldOut: 20, ...change });

describe('duplicates', () => {
  it('are the same question written otherwise; the first one stays', async () => {
    const { rows, report } = await set([
      { question: 'How many?', steps: [], answer: '1' },
      { question: ' how  MANY? ', steps: [], answer: '2' },
      { question: 'How much?', steps: [], answer: '3' },
      { question: 'How\u00a0many\uff1f', steps: [], answer: '1' },
    ]);
    expect(rows.map(({ answer }) => answer)).toEqual(['1', '3']);
    expect(report.duplicates).toBe(2);
    expect(report.duplicateRows).toEqual([
      { id: 'row-2', line: 2, of: 'row-1', sameAnswer: false },
      { id: 'row-4', line: 4, of: 'row-1', sameAnswer: true },
    ]);
    expect(normalised(' A\tB ')).toBe('a b');
  });

  it.each([
    ['What is 2²?', 'What is 22?'],
    ['What is 1½?', 'What is 11/2?'],
    ['What is x₁?', 'What is x1?'],
  ])('%s is not %s', (one, other) => expect(normalised(one)).not.toBe(normalised(other)));

  it.each([
    ['caf\u00e9', 'cafe\u0301'],
    ['\uff21\uff11\u3000?', 'a1 ?'],
    ['\uff76\uff9e', '\u30ac'],
  ])('%j is %j', (one, other) => expect(normalised(one)).toBe(normalised(other)));
});

describe('a draw', () => {
  it('gives the same sample whatever the number of held-out rows, and a longer one begins with a shorter', async () => {
    const data = await many();
    const of = (change: Partial<DataDraw>) => data.select('sample', NO_FILTER, draw(change)).indices;
    expect(of({ heldOut: 0 })).toEqual(of({ heldOut: 150 }));
    expect(of({ samples: 40 }).slice(0, 16)).toEqual(of({}));
    expect(of({ seed: 4 })).not.toEqual(of({}));
    expect(of({})).not.toEqual(Array.from({ length: 16 }, (_, i) => i));
    const held = (samples: number) => data.select('held-out', NO_FILTER, draw({ samples })).indices;
    expect(held(0)).toEqual(held(100));
  });

  it('holds out rows whose questions the sample does not have', async () => {
    const data = await many();
    for (const filter of [NO_FILTER, { ...NO_FILTER, steps: [2, 3] as const }]) {
      const { passing } = data.select('all', filter, draw());
      const whole = draw({ samples: passing - 20 });
      const sample = data.select('sample', filter, whole).indices;
      const held = data.select('held-out', filter, whole).indices;
      expect([sample.length, held.length]).toEqual([passing - 20, 20]);
      const asked = new Set(sample.map((i) => normalised(data.rows[i]!.question)));
      expect(held.filter((i) => asked.has(normalised(data.rows[i]!.question)))).toEqual([]);
    }
  });

  it('keeps the order of the seed under a filter', async () => {
    const data = await many();
    const filter = { ...NO_FILTER, steps: [2, 3] as const };
    const filtered = data.select('sample', filter, draw({ samples: 50 })).indices;
    const whole = data.select('sample', NO_FILTER, draw({ samples: 180 })).indices;
    const passing = whole.filter((i) => [2, 3].includes(data.rows[i]!.steps.length));
    expect(filtered.slice(0, 40)).toEqual(passing.slice(0, 40));
    expect(filtered.every((i) => [2, 3].includes(data.rows[i]!.steps.length))).toBe(true);
  });

  it('of more rows than there are is refused with the number that there are', async () => {
    const data = await many();
    const filter = { ...NO_FILTER, steps: [5, null] as const };
    expect(() => data.select('sample', filter, draw({ samples: 30 }))).toThrow(
      '30 sampled and 20 held-out rows are requested; 40 of 200 pass the filter',
    );
    expect(() => data.select('sample', NO_FILTER, draw({ samples: 1.5 }))).toThrow(/samples: 1.5/);
    expect(() => data.select('all', { ...NO_FILTER, words: [9, 2] }, draw())).toThrow('words: from 9 to 2');
  });
});

describe('a filter', () => {
  it('counts words of question and rationale, or tokens where they are known', async () => {
    const data = await many();
    const words = data.select('all', { ...NO_FILTER, words: [null, 6] }, draw()).indices;
    expect(words).toContain(0);
    expect(words.every((i) => data.words[i]! <= 6)).toBe(true);
    // "How many are 0?" and one step
    expect(data.words[0]).toBe(5);
    const filter = { ...NO_FILTER, tokens: [100, null] } as const;
    expect(() => data.select('all', filter, draw())).toThrow(/have not been counted/);
    const tokens = Int32Array.from(data.rows, (_, i) => i);
    expect(data.select('all', filter, draw(), tokens)).toMatchObject({ passing: 100 });
  });
});

it('spreadOf takes the mean of the two middle values', () => {
  expect(spreadOf(Int32Array.of(5, 1, 9, 2))).toEqual({ least: 1, median: 3.5, most: 9 });
  expect(spreadOf(Int32Array.of())).toEqual({ least: 0, median: 0, most: 0 });
});
