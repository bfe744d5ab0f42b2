import { DIRECTION_WORDS } from '../../../../contract/causal';
import { CAUSAL_DIRECTIONS } from '../../../../contract/lens';
import type {
  ThoughtCondition,
  ThoughtTestPoint,
  ThoughtTestReport,
} from '../../../../contract/thought-test';
import type { LineSeries } from '../../../charts/series';

interface At {
  readonly x: number;
  readonly point: ThoughtTestPoint;
}

const line = (name: string, look: number, at: readonly At[]): LineSeries => ({
  name,
  x: at.map(({ x }) => x),
  y: at.map(({ point }) => point.accuracy.share),
  low: at.map(({ point }) => point.accuracy.low),
  high: at.map(({ point }) => point.accuracy.high),
  look: { colour: look, dash: look, marker: look },
  legend: true,
});

const find = (points: readonly ThoughtTestPoint[], x: (condition: ThoughtCondition) => number | null): At[] =>
  points
    .flatMap((point) => {
      const at = x(point.condition);
      return at === null ? [] : [{ x: at, point }];
    })
    .sort((a, b) => a.x - b.x);

const level = (name: string, report: ThoughtTestReport, ends: readonly [number, number]): LineSeries => ({
  name,
  x: [...ends],
  y: [report.straight.accuracy.share, report.straight.accuracy.share],
  reference: true,
  legend: true,
});

/** Accuracy against the number of thoughts at evaluation. */
export function countLines(report: ThoughtTestReport): LineSeries[] {
  const counted = find(report.points, (one) => (one.kind === 'count' ? one.thoughts : null));
  // One that stops by itself has no number of its own.
  if (report.lengths)
    return [
      line('that many thoughts', 0, counted),
      level('as many as it decides', report, [0, report.thoughts]),
    ];
  const all = [...counted, { x: report.thoughts, point: report.straight }].sort((a, b) => a.x - b.x);
  return [line('that many thoughts', 0, all)];
}

/** Accuracy with one thought replaced, against which. */
export function singleLines(report: ThoughtTestReport): LineSeries[] {
  const single = find(report.points, (one) => (one.kind === 'one' ? one.thought : null));
  return [
    { ...line('this thought replaced by its mean', 0, single), points: true },
    level('none replaced', report, [1, report.thoughts]),
  ];
}

/** Accuracy with the thoughts projected, against the number of directions; none without ranks. */
export function directionLines(report: ThoughtTestReport): LineSeries[] {
  const { ranks } = report.request;
  if (ranks.length === 0) return [];
  const kinds = CAUSAL_DIRECTIONS.map((of, look) =>
    line(
      DIRECTION_WORDS[of],
      look,
      find(report.points, (one) => (one.kind === 'directions' && one.of === of ? one.rank : null)),
    ),
  );
  return [...kinds, level('thoughts as they are', report, [Math.min(...ranks), Math.max(...ranks)])];
}
