import { expect, it } from 'vitest';
import { madeThought } from '../../thoughts.testing';
import { mostAttended, weightsOf } from './attention';

const report = madeThought({ session: 1, step: 2, interventions: [] }, ['a', ' b', ' c'], 4, false);
const count = report.columns.length;
const all = { layer: null, head: null, withoutFirst: false };

it('averages attention over the chosen layers and heads', () => {
  const one = weightsOf(report, { layer: 2, head: 3, withoutFirst: false });
  const row = 1 * report.heads + 2;
  expect([...one]).toEqual([...report.attention.subarray(row * count, (row + 1) * count)]);
  const mean = weightsOf(report, all);
  expect(mean.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
  let sum = 0;
  for (let r = 0; r < report.attention.length / count; r++) sum += report.attention[r * count + 1]! / 16;
  expect(mean[1]).toBeCloseTo(sum, 9);
});

it('lists the most attended columns, without the first if that is left out', () => {
  const [first] = mostAttended(report, all, 3);
  expect(first?.index).toBe(0);
  const others = mostAttended(report, { ...all, withoutFirst: true }, 10);
  expect(others).toHaveLength(count - 1);
  expect(others.map(({ weight }) => weight)).toEqual(
    [...others.map(({ weight }) => weight)].sort((a, b) => b - a),
  );
});
