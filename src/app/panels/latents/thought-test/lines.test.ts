import { expect, it } from 'vitest';
import type {
  ThoughtCondition,
  ThoughtTestPoint,
  ThoughtTestReport,
} from '../../../../contract/thought-test';
import { countLines } from './lines';

const point = (condition: ThoughtCondition, share: number): ThoughtTestPoint => ({
  ...{ condition, problems: [0, 1], outcomes: Uint8Array.of(1, 0), changed: Uint8Array.of(0, 0) },
  divergence: new Float32Array(2),
  accuracy: { correct: 1, total: 2, share, low: 0, high: 1 },
});
const counts = (from: readonly number[]) =>
  from.map((thoughts) => point({ kind: 'count', thoughts }, thoughts / 10));
const report = (points: ThoughtTestPoint[], lengths?: number[]): ThoughtTestReport =>
  ({ thoughts: 2, straight: point({ kind: 'straight' }, 0.9), points, lengths }) as never;

it('the student as it is stands at its own number of thoughts, and at none where it has no number of its own', () => {
  const [own, ...others] = countLines(report(counts([0, 1, 3, 4])));
  expect(own).toMatchObject({ x: [0, 1, 2, 3, 4], y: [0, 0.1, 0.9, 0.3, 0.4] });
  expect(others).toEqual([]);
  const [each, decided] = countLines(report(counts([0, 1, 2]), [1, 2]));
  expect(each).toMatchObject({ x: [0, 1, 2], y: [0, 0.1, 0.2] });
  expect(decided).toMatchObject({ x: [0, 2], y: [0.9, 0.9], reference: true });
});
