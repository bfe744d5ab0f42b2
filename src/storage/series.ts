import { z } from 'zod';
import type { LossTerms, SpectrumEvent, StepEvent } from '../contract/events';

/** What is kept of a run: the step events as columns of equal length, every accuracy, and a row an observed spectrum. */

export const TERMS = [
  'total',
  'covariance',
  'mean',
  'anchor',
  'codi',
  'answer',
  'explicit',
] as const satisfies readonly (keyof LossTerms)[];
export type Term = (typeof TERMS)[number];

/** Most steps, and most spectra, kept; beyond it every second one of the old is dropped. */
export const LARGEST_SERIES = 4000;

// A loss may be NaN or infinite, and then most of all it must be kept.
const number = z.union([
  z.number(),
  z.nan(),
  z.literal(Number.POSITIVE_INFINITY),
  z.literal(Number.NEGATIVE_INFINITY),
]);
const column = z.array(number).max(LARGEST_SERIES);
const count = z.int().min(0);

export const accuracySchema = z.object({
  correct: count,
  total: count,
  share: z.number().min(0).max(1),
  low: z.number().min(0).max(1),
  high: z.number().min(0).max(1),
});

export const seriesSchema = z
  .object({
    step: column,
    learningRate: column,
    gradientNorm: column,
    milliseconds: column,
    losses: z.partialRecord(z.enum(TERMS), column),
    accuracy: z
      .array(
        z.object({
          kind: z.literal('evaluation'),
          step: count,
          set: z.enum(['validation', 'held-out']),
          accuracy: accuracySchema,
          milliseconds: number,
        }),
      )
      .max(LARGEST_SERIES),
    /** Runs kept before there were any have none. */
    spectra: z
      .array(z.object({ step: count, effectiveRank: number, stableRank: number, cosine: number }))
      .max(LARGEST_SERIES)
      .default([]),
  })
  .refine(
    ({ step, learningRate, gradientNorm, milliseconds, losses }) =>
      [learningRate, gradientNorm, milliseconds, ...Object.values(losses)].every(
        (c) => c.length === step.length,
      ),
    'columns of unequal length',
  );
export type RunSeries = z.infer<typeof seriesSchema>;

export const emptySeries: RunSeries = {
  step: [],
  learningRate: [],
  gradientNorm: [],
  milliseconds: [],
  losses: {},
  accuracy: [],
  spectra: [],
};

/** Drops every second value but keeps the last. */
const thin = <T>(values: readonly T[]) => values.filter((_, i) => (values.length - 1 - i) % 2 === 0);

const mapColumns = (
  series: RunSeries,
  change: (values: number[], name: Term | null) => number[],
): RunSeries => ({
  step: change(series.step, null),
  learningRate: change(series.learningRate, null),
  gradientNorm: change(series.gradientNorm, null),
  milliseconds: change(series.milliseconds, null),
  losses: Object.fromEntries(
    Object.entries(series.losses).map(([term, values]) => [term, change(values, term as Term)]),
  ),
  accuracy: series.accuracy,
  spectra: series.spectra,
});

/** The series with more steps at its end. A term absent from a step is NaN there. Never over `LARGEST_SERIES`. */
export function appendSteps(series: RunSeries, events: readonly StepEvent[]): RunSeries {
  if (events.length === 0) return series;
  const before = series.step.length;
  const losses: RunSeries['losses'] = {};
  for (const term of TERMS) {
    const old = series.losses[term];
    if (!old && !events.some((event) => event.losses[term] !== undefined)) continue;
    const past = old ?? new Array<number>(before).fill(Number.NaN);
    losses[term] = [...past, ...events.map((event) => event.losses[term] ?? Number.NaN)];
  }
  let next: RunSeries = {
    step: [...series.step, ...events.map((event) => event.step)],
    learningRate: [...series.learningRate, ...events.map((event) => event.learningRate)],
    gradientNorm: [...series.gradientNorm, ...events.map((event) => event.gradientNorm)],
    milliseconds: [...series.milliseconds, ...events.map((event) => event.milliseconds)],
    losses,
    accuracy: series.accuracy,
    spectra: series.spectra,
  };
  while (next.step.length > LARGEST_SERIES) next = mapColumns(next, thin);
  return next;
}

/** The series with what was observed of the student at its end, without the curves. Never over `LARGEST_SERIES`. */
export function appendSpectra(series: RunSeries, events: readonly SpectrumEvent[]): RunSeries {
  if (events.length === 0) return series;
  const rows = events.map(({ step, effectiveRank, stableRank, cosine }) => ({
    step,
    effectiveRank,
    stableRank,
    cosine,
  }));
  let spectra = [...series.spectra, ...rows];
  while (spectra.length > LARGEST_SERIES) spectra = thin(spectra);
  return { ...series, spectra };
}
