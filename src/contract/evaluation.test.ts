import { describe, expect, it } from 'vitest';
import { evaluateOn } from './evaluate-on';
import {
  accuracyBySteps,
  BEGUN_OTHERWISE,
  compareEvaluations,
  type EvaluatedItem,
  type Evaluation,
  evaluationFile,
  evaluationRows,
  filterItems,
  NO_ITEM_FILTER,
  reasoningLengths,
  summarise,
} from './evaluation';

const item = (i: number, right: boolean, over: Partial<EvaluatedItem> = {}): EvaluatedItem => ({
  ...{ id: `held-out-${i}`, question: `Tom has ${i} nuts.`, steps: 1 + (i % 2), answer: String(i) },
  ...{ text: `It is ${i}`, value: String(i), right, thoughts: 2, tokens: 3 + i, milliseconds: 10 * i },
  ...over,
});

describe('an evaluation', () => {
  it('is summed up by accuracy, and by times of problems that were answered alone', () => {
    const { accuracy, latency, tokens } = summarise([
      item(1, true),
      item(2, false),
      item(3, true),
      item(9, true, { milliseconds: null }),
    ]);
    expect(accuracy).toMatchObject({ correct: 3, total: 4 });
    // numpy.quantile([10, 20, 30], [0.5, 0.95]) is [20, 29].
    expect(latency).toEqual({ count: 3, median: 20, p95: 29 });
    expect(tokens).toBe(5.5);
    expect(summarise([]).latency.median).toBeNaN();
  });

  it('has an accuracy for every number of steps', () => {
    const steps = accuracyBySteps([
      item(1, true),
      item(2, false),
      item(3, false),
      item(5, true),
      item(7, true, { steps: 10 }),
    ]);
    expect(steps.map(({ steps: n, accuracy }) => [n, accuracy.correct, accuracy.total])).toEqual([
      [1, 0, 1],
      [2, 2, 3],
      [10, 1, 1],
    ]);
    expect(accuracyBySteps([])).toEqual([]);
  });

  it('counts its problems by thoughts and written tokens', () => {
    const items = [
      item(1, true),
      item(2, false, { written: 9 }),
      item(3, false),
      item(4, true, { thoughts: 11, written: 0 }),
      item(5, true, { thoughts: 0, written: 2 }),
    ];
    expect(reasoningLengths(items)).toEqual([
      { length: 2, right: 2, wrong: 1 },
      { length: 11, right: 1, wrong: 1 },
    ]);
    expect(reasoningLengths([])).toEqual([]);
  });

  it('is compared with another on the problems that both answered, and on those only', () => {
    const first = [item(1, true), item(2, true), item(3, false), item(4, true), item(5, true)];
    const second = [item(4, true), item(1, false), item(3, true), item(2, false), item(6, false)];
    const found = compareEvaluations(first, second);
    expect(found).toMatchObject({ problems: 4, gained: 2, lost: 1, bothRight: 1, bothWrong: 0 });
    expect(found?.difference).toBe(0.25);
    // Exact McNemar with 2 against 1: 2·(1 + 3)/8 = 1.
    expect(found?.p).toBeCloseTo(1, 12);
    expect([...(found?.differ ?? [])]).toEqual(['held-out-1', 'held-out-2', 'held-out-3']);
    expect(compareEvaluations(first, [item(1, true, { question: 'another' })])).toBeNull();
  });

  it('is filtered by text, outcome, steps and difference', () => {
    const items = [item(1, true), item(2, false), item(3, true, { text: 'Zoe’s' }), item(12, false)];
    const ids = (over: object, differ?: ReadonlySet<string>) =>
      filterItems(items, { ...NO_ITEM_FILTER, ...over }, differ).map(({ id }) => id);
    expect(ids({})).toHaveLength(4);
    expect(ids({ search: ' zoe ' })).toEqual(['held-out-3']);
    expect(ids({ search: 'held-out-1' })).toEqual(['held-out-1']);
    expect(ids({ outcome: 'wrong' })).toEqual(['held-out-2', 'held-out-12']);
    expect(ids({ outcome: 'right', steps: 2 })).toEqual(['held-out-1', 'held-out-3']);
    expect(ids({ outcome: 'differ' }, new Set(['held-out-2']))).toEqual(['held-out-2']);
  });

  it('is a table with a row for every answer, and a file that is read back', () => {
    const evaluation = {
      request: {
        ...{ subject: { kind: 'student' as const }, mode: 'latent' as const, thoughts: 3, problems: 2 },
        ...{ source: { kind: 'held-out' as const }, rule: 'set' as const, together: 1 },
      },
      ...{ label: 'student', model: 'm', identity: { base: 'a', student: null }, thoughts: 2 },
      ...{ counts: [0, 1, 2], stopsByItself: false, rule: 'last-number' as const, total: 2, notes: [] },
      ...{ data: { name: 'd', sha256: null }, items: [item(1, true), item(2, false)] },
    };
    const [head, ...rows] = evaluationRows([evaluation]);
    expect(rows).toHaveLength(2);
    expect(rows.every((row) => row.length === head?.length)).toBe(true);
    expect(evaluationFile().parse(JSON.parse(JSON.stringify({ evaluations: [evaluation] })))).toEqual({
      evaluations: [evaluation],
    });
    expect(evaluationFile().safeParse({ evaluations: [{ ...evaluation, rule: 'mine' }] }).success).toBe(
      false,
    );
  });
});

describe('an evaluation goes on', () => {
  const request = {
    ...{
      subject: { kind: 'student' as const },
      mode: 'latent' as const,
      source: { kind: 'rows' as const, seed: 1 },
    },
    ...{ problems: 2, rule: 'set' as const, together: 1 },
  };
  const here: Omit<Evaluation, 'items'> = {
    ...{ request, label: 'student', model: 'm', identity: { base: 'a', student: 's' }, thoughts: 2 },
    ...{ counts: [0, 1, 2], stopsByItself: false, rule: 'last-number' as const, total: 2, notes: [] },
    data: { name: 'd', sha256: '1' },
  };
  /** As the engine: answers what is not known, of the same weights and data only. */
  const workbench: Parameters<typeof evaluateOn>[0] = {
    async evaluate({ known = [], identity, data }, options) {
      const begunWith = JSON.stringify([identity ?? here.identity, data ?? here.data]);
      if (begunWith !== JSON.stringify([here.identity, here.data]))
        throw Object.assign(new Error('begun otherwise'), { name: BEGUN_OTHERWISE });
      const items = [item(1, true), item(2, true)].filter(({ id }) => !known.includes(id));
      options?.report?.({ kind: 'evaluation', head: here });
      options?.report?.({ kind: 'items', items });
      return { ...here, items, milliseconds: 1 };
    },
  };
  const rightOf = ({ items }: Evaluation) => items.map(({ right }) => right);

  it('with the answers of the same weights to the same problems, and with no others', async () => {
    const same = { ...here, items: [item(1, false)] };
    const ofOtherData = { ...same, data: { name: 'd', sha256: '2' } };
    const ofOtherWeights = { ...same, identity: { base: 'a', student: 't' } };
    const others = [ofOtherData, ofOtherWeights];
    expect(rightOf(await evaluateOn(workbench, request, [...others, same]))).toEqual([false, true]);
    expect(rightOf(await evaluateOn(workbench, request, others))).toEqual([true, true]);
    for (const other of others)
      await expect(evaluateOn(workbench, request, [other], { isContinued: true })).rejects.toThrow(
        'begun otherwise',
      );
  });

  it('no further than to another error', async () => {
    const failing = { evaluate: () => Promise.reject(new Error('no memory')) };
    await expect(evaluateOn(failing, request, [{ ...here, items: [] }])).rejects.toThrow('no memory');
  });
});
