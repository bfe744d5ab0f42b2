import type { ArenaAxis } from '../../../contract/arena';
import { type AxisPoint, PARTS } from '../../../contract/arena-axis';
import type { Measure } from '../../../contract/methods/ablations/ablation';
import type { Axis, LineSeries } from '../../charts/series';
import { SHARES } from '../../charts/table';
import { percent, significant } from '../../ui/format';

const MEASURED: Readonly<Record<Measure, { readonly title: string; readonly y: Axis }>> = {
  accuracy: {
    title: 'Held-out accuracy',
    y: { label: 'share right', format: '%', range: SHARES },
  },
  cost: { title: 'Seconds of a run', y: { label: 'seconds', fromZero: true } },
  latency: { title: 'Milliseconds of an answer', y: { label: 'milliseconds', fromZero: true } },
};

export const axisTitle = ({ label, measure }: ArenaAxis): string =>
  `${MEASURED[measure].title} against ${label}`;

export const measureAxis = ({ measure }: ArenaAxis): Axis => MEASURED[measure].y;

/** Numbers where they are, names at 1, 2, …. */
export const axisNames = (points: readonly AxisPoint[], { label, places, log }: ArenaAxis): Axis =>
  places
    ? { label, ticks: points.map(({ x }) => x), ...(log && { log }) }
    : { label, names: points.map(({ name }) => name), range: [0.5, points.length + 0.5] };

/** For every part a line of medians over seeds with their 95 % intervals, and a point for every seed. */
export function axisLines(points: readonly AxisPoint[], { measure, places }: ArenaAxis): LineSeries[] {
  const parts = PARTS[measure];
  return parts.flatMap(({ label }, part): LineSeries[] => {
    const shown = points.flatMap(({ x, parts: own }) => {
      const found = own[part];
      return found?.overSeeds ? [{ x, bySeed: found.bySeed, s: found.overSeeds }] : [];
    });
    const seeds = shown.flatMap(({ x, bySeed }) => [...bySeed.values()].map((y) => ({ x, y })));
    const look = { colour: part, dash: part, marker: part };
    return [
      {
        name: `${label}, median over seeds`,
        x: shown.map(({ x }) => x),
        y: shown.map(({ s }) => s.median),
        low: shown.map(({ s }) => s.medianInterval?.low ?? s.median),
        high: shown.map(({ s }) => s.medianInterval?.high ?? s.median),
        legend: true,
        look,
        // Names have no order that a line could follow.
        ...(!places && { points: true }),
      },
      {
        name: `${label}, each seed`,
        x: seeds.map(({ x }) => x),
        y: seeds.map(({ y }) => y),
        points: true,
        legend: true,
        look: { colour: part, marker: part + parts.length },
        weight: 'faint',
      },
    ];
  });
}

export const writtenFigure = (value: number, measure: Measure): string =>
  measure === 'accuracy' ? percent(value) : `${significant(value, 3)} ${measure === 'cost' ? 's' : 'ms'}`;

/** Medians with their intervals, point by point. */
export function axisSentence(points: readonly AxisPoint[], { measure }: ArenaAxis): string {
  const told = points.flatMap(({ name, parts }) =>
    parts.flatMap(({ label, overSeeds: s }) => {
      if (!s) return [];
      const interval = s.medianInterval
        ? ` (${writtenFigure(s.medianInterval.low, measure)} to ${writtenFigure(s.medianInterval.high, measure)})`
        : '';
      return [
        `${name}${parts.length > 1 ? `, ${label}` : ''}: ${writtenFigure(s.median, measure)}${interval}`,
      ];
    }),
  );
  const hasIntervals = points.some(({ parts }) => parts.some(({ overSeeds }) => overSeeds?.medianInterval));
  return told.length === 0
    ? 'No run has ended yet.'
    : `${told.join('; ')}. Medians over seeds; faint points are single seeds.${hasIntervals ? ' In brackets and as bars: 95 % bootstrap intervals over seeds.' : ' One seed has no interval over seeds.'}`;
}
