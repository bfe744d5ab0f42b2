import { expect, it } from 'vitest';
import type { StepEvent } from '../contract/events';
import { appendSteps, emptySeries, LARGEST_SERIES, seriesSchema } from './series';

const step = (n: number, losses: StepEvent['losses'] = { total: n }): StepEvent => ({
  kind: 'step',
  step: n,
  steps: 9,
  learningRate: n,
  losses,
  gradientNorm: n,
  milliseconds: 1,
});

it('a term that comes late or goes missing is NaN where it is absent', () => {
  const series = appendSteps(appendSteps(emptySeries, [step(1)]), [
    step(2, { total: 2, anchor: 5 }),
    step(3),
  ]);
  expect(series.losses).toEqual({ total: [1, 2, 3], anchor: [Number.NaN, 5, Number.NaN] });
  expect(seriesSchema.parse(series)).toEqual(series);
});

it('never grows beyond its limit, keeps the last step and equal columns', () => {
  let series = emptySeries;
  const many = LARGEST_SERIES * 2 + 501;
  for (let n = 1; n <= many; n += 500) {
    series = appendSteps(
      series,
      Array.from({ length: Math.min(500, many - n + 1) }, (_, i) => step(n + i)),
    );
  }
  expect(series.step.length).toBeLessThanOrEqual(LARGEST_SERIES);
  expect(series.step.length).toBeGreaterThan(LARGEST_SERIES / 4);
  expect(series.step.at(-1)).toBe(many);
  expect(series.losses.total).toEqual(series.step);
  expect(seriesSchema.safeParse(series).success).toBe(true);
});

it('columns of unequal length are refused', () => {
  expect(seriesSchema.safeParse({ ...emptySeries, step: [1] }).success).toBe(false);
});
