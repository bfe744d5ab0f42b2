import { describe, expect, it } from 'vitest';
import { AS_DETECTED } from '../../../contract/data';
import { InputError } from '../../base/errors';
import type { ProblemCodec, ProblemText, RationaleForm } from '../tokens';
import { type DrawOptions, drawRows, type RunDraw, type UsedRow } from './draw-rows';
import { readData } from './read';

/** 40 rows: the question of row i has i words. */
const set = await readData(
  [
    {
      name: 'rows.json',
      data: new Blob([
        JSON.stringify(
          Array.from({ length: 40 }, (_, i) => ({
            question: `n${i}${' w'.repeat(i)}`,
            cot: i % 10 === 3 ? '' : `<<${i}+0=${i}>>`,
            answer: String(i),
          })),
        ),
      ]),
    },
  ],
  AS_DETECTED,
);
const length = (text: string): number[] => text.split(' ').map(() => 7);
const codec = {
  prompt: [1, 2],
  // The results of every seventh row have no tokens, as a number that a tokenizer of whole numbers does not have.
  encode: ({ question, answer, rationale = '' }: ProblemText, form: RationaleForm = 'steps') => ({
    question: length(question),
    rationale: rationale === '' || (form === 'results' && Number(answer) % 7 === 0) ? [] : [5],
    answer: [...length(answer), 2],
  }),
} as unknown as ProblemCodec;

const DRAW: RunDraw = { seed: 4, split: 9, samples: 12, validation: 5, heldOut: 7 };
const ids = (rows: readonly UsedRow[]): string[] => rows.map(({ row }) => row.id);
const draw = (
  change: Partial<RunDraw> = {},
  { longest = 1000, rationale }: Partial<Pick<DrawOptions, 'longest' | 'rationale'>> = {},
) => drawRows(set, { ...DRAW, ...change }, { codec, longest, rationale });

describe('drawing rows for a run', () => {
  it('shares no row between the parts', async () => {
    const { training, validation, heldOut, leftOut } = await draw();
    expect([training.length, validation.length, heldOut.length]).toEqual([12, 5, 7]);
    expect(new Set([...ids(training), ...ids(validation), ...ids(heldOut)]).size).toBe(24);
    expect(leftOut).toEqual([]);
  });

  it('holds out the same rows whatever the seed and size of the sample', async () => {
    const first = await draw();
    for (const change of [{ seed: 5 }, { samples: 28 }, { validation: 0 }]) {
      const other = await draw(change);
      expect(ids(other.heldOut)).toEqual(ids(first.heldOut));
      if (!('validation' in change)) expect(ids(other.validation)).toEqual(ids(first.validation));
    }
    expect(ids((await draw({ seed: 5 })).training)).not.toEqual(ids(first.training));
    expect(ids((await draw({ split: 5 })).heldOut)).not.toEqual(ids(first.heldOut));
  });

  it('is what the Data place shows where both seeds are its own', async () => {
    const { training, heldOut } = await draw({ seed: 9 });
    const shown = (part: 'sample' | 'held-out') =>
      set
        .select(
          part,
          { steps: [null, null], words: [null, null], tokens: [null, null] },
          { seed: 9, samples: 12, heldOut: 7 },
        )
        .indices.map((i) => set.rows[i]?.id);
    expect(ids(training)).toEqual(shown('sample'));
    expect(ids(heldOut)).toEqual(shown('held-out'));
  });

  it('passes over rows that are too long or have no rationale, and lists them', async () => {
    const { training, validation, heldOut, leftOut } = await draw({}, { longest: 34, rationale: 'steps' });
    for (const { tokens } of [...training, ...validation, ...heldOut])
      expect(tokens.question.length + tokens.rationale.length + 2 + tokens.answer.length).toBeLessThanOrEqual(
        34,
      );
    for (const { row } of training) expect(row.rationale).not.toBe('');
    // row-30 has 30 words: 30 + 1 + 2 + 2 = 35 tokens.
    const known = new Map(leftOut.map(({ id, reason }) => [id, reason]));
    expect(known.size).toBe(leftOut.length);
    if (known.has('row-30')) expect(known.get('row-30')).toBe('35 tokens; at most 34');
    for (const [id, reason] of known)
      expect(reason).toBe(
        Number(id.slice(4)) % 10 === 4
          ? 'without a rationale'
          : `${Number(id.slice(4)) + 5} tokens; at most 34`,
      );
    expect(leftOut.length).toBeGreaterThan(2);
  });

  it('passes over rows whose results have no tokens where these are what the teacher is read on', async () => {
    const { training, validation, heldOut, leftOut } = await draw({}, { rationale: 'results' });
    expect([training.length, validation.length, heldOut.length]).toEqual([12, 5, 7]);
    expect(training.filter(({ row }) => Number(row.answer) % 7 === 0)).toEqual([]);
    const reasons = new Set(leftOut.map(({ reason }) => reason));
    expect([...reasons].sort()).toEqual(['the results of its steps have no tokens', 'without a rationale']);
    const written = await draw({}, { rationale: 'all-but-last' });
    expect(written.leftOut.every(({ reason }) => reason === 'without a rationale')).toBe(true);
  });

  it('holds out and validates on the same rows for every method, whether or not they have what it reads in training', async () => {
    // Half of the rows are held out, so that some without a rationale are among them.
    const change = { heldOut: 20, validation: 6, samples: 4 };
    const [plain, ...reading] = await Promise.all(
      [undefined, 'steps', 'results', 'all-but-last'].map((rationale) =>
        draw(change, { rationale: rationale as RationaleForm | undefined }),
      ),
    );
    for (const one of reading) {
      expect(ids(one.heldOut)).toEqual(ids(plain?.heldOut ?? []));
      expect(ids(one.validation)).toEqual(ids(plain?.validation ?? []));
    }
    expect(plain?.heldOut.filter(({ row }) => row.rationale === '').length).toBeGreaterThan(0);
  });

  it('refuses more rows than can be used, and says how many can', async () => {
    await expect(draw({ samples: 29 })).rejects.toThrow(
      '29 training, 5 validation and 7 held-out rows are requested; 40 of the 40 rows with different questions can be used',
    );
    const refused = draw({}, { longest: 20 });
    await expect(refused).rejects.toThrow(/15 of the 40 rows .* can be used \(25 left out: longer than 20\)/);
    await expect(refused).rejects.toBeInstanceOf(InputError);
  });
});
