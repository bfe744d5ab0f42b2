import { describe, expect, it } from 'vitest';
import type { EvaluationEvent, SpectrumEvent, StepEvent } from './events';
import { appendEvaluations, appendSpectra, appendSteps } from './series';
import { emptySeries, MAX_SERIES_LENGTH, seriesSchema } from './series-schema';

const step = (n: number, losses: StepEvent['losses'] = { total: n }): StepEvent => ({
  kind: 'step',
  step: n,
  steps: 9,
  learningRate: n,
  losses,
  gradientNorm: n,
  milliseconds: 1,
});

it('fills a term with NaN at steps where it is absent', () => {
  const series = appendSteps(appendSteps(emptySeries, [step(1)]), [
    step(2, { total: 2, anchor: 5 }),
    step(3),
  ]);
  expect(series.losses).toEqual({ total: [1, 2, 3], anchor: [Number.NaN, 5, Number.NaN] });
  expect(seriesSchema.parse(series)).toEqual(series);
});

it('never exceeds its limit, and keeps the last step and equal columns', () => {
  let series = emptySeries;
  const many = MAX_SERIES_LENGTH * 2 + 501;
  for (let n = 1; n <= many; n += 500) {
    series = appendSteps(
      series,
      Array.from({ length: Math.min(500, many - n + 1) }, (_, i) => step(n + i)),
    );
  }
  expect(series.step.length).toBeLessThanOrEqual(MAX_SERIES_LENGTH);
  expect(series.step.length).toBeGreaterThan(MAX_SERIES_LENGTH / 4);
  expect(series.step.at(-1)).toBe(many);
  expect(series.losses.total).toEqual(series.step);
  expect(seriesSchema.safeParse(series).success).toBe(true);
});

it('refuses columns of unequal length', () => {
  expect(seriesSchema.safeParse({ ...emptySeries, step: [1] }).success).toBe(false);
});

it('accepts any names of terms', () => {
  const series = appendSteps(emptySeries, [step(1, { total: 3, 'made-up': 2 })]);
  expect(series.losses).toEqual({ total: [3], 'made-up': [2] });
  expect(seriesSchema.parse(series)).toEqual(series);
  const many = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`t${i}`, [1]]));
  expect(seriesSchema.safeParse({ ...series, losses: many }).success).toBe(false);
});

describe('evaluations', () => {
  const evaluation = (n: number, set: EvaluationEvent['set'] = 'validation'): EvaluationEvent => ({
    kind: 'evaluation',
    step: n,
    set,
    accuracy: { correct: 1, total: 2, share: 0.5, low: 0.1, high: 0.9 },
    milliseconds: 3,
  });
  const many = Array.from({ length: MAX_SERIES_LENGTH * 2 + 3 }, (_, n) => evaluation(n + 1));

  it('never exceed the limit, keep the last and the held-out one, and stay readable', () => {
    let series = emptySeries;
    for (let from = 0; from < many.length; from += 100)
      series = appendEvaluations(series, many.slice(from, from + 100));
    series = appendEvaluations(series, [evaluation(9000, 'held-out'), evaluation(9001)]);
    expect(series.accuracy.length).toBeLessThanOrEqual(MAX_SERIES_LENGTH);
    expect(series.accuracy.length).toBeGreaterThan(MAX_SERIES_LENGTH / 4);
    expect(series.accuracy.at(-1)?.step).toBe(9001);
    expect(series.accuracy.filter(({ set }) => set === 'held-out')).toEqual([evaluation(9000, 'held-out')]);
    expect(seriesSchema.parse(series)).toEqual(series);
    expect(appendEvaluations(series, [])).toBe(series);
  });

  it('from rows stored before there was a limit can be read, however many they are', () => {
    const { accuracy } = seriesSchema.parse({ ...emptySeries, accuracy: many });
    expect(accuracy.length).toBeLessThanOrEqual(MAX_SERIES_LENGTH);
    expect(accuracy.at(-1)).toEqual(many.at(-1));
  });
});

describe('spectra of the student', () => {
  const spectrum = (n: number): SpectrumEvent => ({
    kind: 'spectrum',
    step: n,
    checkpoint: n + 7,
    samples: 8,
    sigma: Float32Array.of(2, 1),
    cumulative: Float32Array.of(2 / 3, 1),
    effectiveRank: n / 3,
    stableRank: n / 4,
    cosine: n === 0 ? Number.NaN : 0.5,
    milliseconds: 3,
  });

  it('are stored one row each beside the steps, and can be read back', () => {
    const series = appendSteps(appendSpectra(emptySeries, [spectrum(0), spectrum(3)]), [step(1)]);
    expect(series.spectra).toEqual([
      { step: 0, effectiveRank: 0, stableRank: 0, cosine: Number.NaN },
      { step: 3, effectiveRank: 1, stableRank: 0.75, cosine: 0.5 },
    ]);
    expect(seriesSchema.parse(series)).toEqual(series);
    expect(appendSpectra(series, [])).toBe(series);
  });

  it('are empty in rows stored before they existed', () => {
    const { spectra, ...old } = appendSteps(emptySeries, [step(1)]);
    expect(spectra).toEqual([]);
    expect(seriesSchema.parse(old)).toEqual({ ...old, spectra: [] });
  });

  it('never exceed the limit, and keep the last one', () => {
    const many = Array.from({ length: MAX_SERIES_LENGTH + 3 }, (_, n) => spectrum(n));
    const { spectra } = appendSpectra(emptySeries, many);
    expect(spectra.length).toBeLessThanOrEqual(MAX_SERIES_LENGTH);
    expect(spectra.at(-1)?.step).toBe(MAX_SERIES_LENGTH + 2);
    expect(seriesSchema.safeParse({ ...emptySeries, spectra }).success).toBe(true);
  });
});
