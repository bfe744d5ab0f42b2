import type { Accuracy } from '../contract/events';
import {
  REPLACEMENTS,
  type ThoughtCondition,
  type ThoughtTestPoint,
  type ThoughtTestReport,
  type ThoughtTestRequest,
} from '../contract/thought-test';

/** A made-up test of thoughts: three of them, of which the second matters. */
export function madeThoughtTestReport(
  request: ThoughtTestRequest,
  accuracyOf: (correct: number, total: number) => Accuracy,
): ThoughtTestReport {
  const { problems: n, ranks } = request;
  const point = (condition: ThoughtCondition, share: number): ThoughtTestPoint => {
    const correct = Math.round(share * n);
    const outcomes = Uint8Array.from({ length: n }, (_, i) => (i < correct ? 1 : 0));
    return {
      condition,
      problems: Array.from({ length: n }, (_, i) => i),
      outcomes,
      changed: outcomes.map((one) => 1 - one),
      divergence: Float32Array.from({ length: n }, (_, i) => (1 - share) * (1 + (i % 7) / 7)),
      accuracy: accuracyOf(correct, n),
    };
  };
  return {
    request,
    label: 'student',
    model: 'made up',
    thoughts: 3,
    ids: Array.from({ length: n }, (_, i) => `held-out-${i}`),
    pause: '.',
    fixed: false,
    notes: [],
    straight: point({ kind: 'straight' }, 0.85),
    points: [
      ...[0, 1, 2, 4, 5, 6].map((thoughts) => point({ kind: 'count', thoughts }, thoughts < 2 ? 0.05 : 0.8)),
      ...REPLACEMENTS.map((by) => point({ kind: 'replaced', by }, by === 'same-answer' ? 0.85 : 0.1)),
      ...[1, 2, 3].map((thought) => point({ kind: 'one', thought }, thought === 2 ? 0.2 : 0.85)),
      ...ranks.flatMap((rank) =>
        (['leading', 'random', 'equal-energy'] as const).map((of) => ({
          ...point({ kind: 'directions', of, rank }, of === 'leading' && rank > 2 ? 0.84 : 0.3),
          directions: of === 'equal-energy' ? 3 * rank : rank,
        })),
      ),
    ],
    results: {
      top: 5,
      bySteps: [
        {
          steps: 1,
          problems: 20,
          results: 20,
          found: 19,
          foundElsewhere: 3,
          long: { results: 4, found: 3, foundElsewhere: 1 },
        },
        {
          steps: 2,
          problems: 30,
          results: 60,
          found: 40,
          foundElsewhere: 9,
          long: { results: 0, found: 0, foundElsewhere: 0 },
        },
      ],
      leftOut: 2,
      items: Array.from({ length: n }, (_, problem) => ({
        problem,
        thoughts: ['12', '7', ' The'].map((text, t) => ({
          tokens: [text, `${problem}`, ' 1', '=', ' 3'],
          numbers: t === 1 ? ['1024'] : [],
        })),
        results: [
          { result: '12', isLong: false, found: [1], isElsewhere: false },
          { result: '1024', isLong: true, found: problem % 2 === 0 ? [2] : [], isElsewhere: true },
        ],
      })),
    },
    milliseconds: 1234,
  };
}
