import { expect, it } from 'vitest';
import { evaluationKey } from '../contract/evaluation';
import { evaluation, row } from './evaluation-row.testing';
import { MAX_EVALUATIONS, readEvaluationRows, surplusEvaluations } from './evaluations';

const keyOf = (problems: number) => evaluationKey(evaluation(problems));

it.each([
  ['an unknown field', { ...row(7), later: 1 }, 'later'],
  ['no items', { savedAt: 1, evaluation: { ...evaluation(7), items: undefined } }, 'evaluation.items: '],
  [
    'an item without its answer',
    { savedAt: 1, evaluation: { ...evaluation(7), items: [{ id: 'x' }] } },
    'evaluation.items.0.question: ',
  ],
  ['an impossible date', row(7, 9e15), 'savedAt: '],
  ['another evaluation', row(8), 'under the key of another evaluation'],
  ['a text', 'not a row', 'the row: '],
])('lists a row with %s as damaged, without losing any other', (_what, bad, reason) => {
  const { rows, damaged } = readEvaluationRows(
    new Map<string, unknown>([
      [keyOf(7), bad],
      [keyOf(9), row(9)],
      [keyOf(3), row(3)],
    ]),
  );
  expect(rows).toEqual([row(3), row(9)]);
  expect(damaged).toEqual([{ id: keyOf(7), reason: expect.stringContaining(reason) }]);
});

it('drops the oldest beyond its limit', () => {
  const rows = Array.from({ length: MAX_EVALUATIONS + 2 }, (_, i) => row(i + 1));
  expect(surplusEvaluations(rows)).toEqual([keyOf(1), keyOf(2)]);
  expect(surplusEvaluations(rows.slice(2))).toEqual([]);
});
