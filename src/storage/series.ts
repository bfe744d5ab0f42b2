import { z } from 'zod';
import type { EvaluationEvent, SpectrumEvent, StepEvent } from '../contract/events';

/** What is stored of a run: step events as columns of equal length, every accuracy, and one row per observed spectrum. */

/**
 * A loss term under the method's name for it. Rows are read whatever their terms are called, so that runs of methods this page
 * does not know keep their curves.
 */
const term = z.string().min(1).max(40);
const MAX_TERMS = 32;

/** Maximum number of steps, of evaluations and of spectra stored; beyond it every second one is dropped. */
export const LARGEST_SERIES = 4000;

// A loss may be NaN or infinite, which is when it matters most to store it.
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
    losses: z
      .record(term, column)
      .refine((losses) => Object.keys(losses).length <= MAX_TERMS, `at most ${MAX_TERMS} terms`),
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
      // Older rows hold every evaluation of a run, however many.
      .transform(thinEvaluations),
    /** Absent in runs stored before spectra existed. */
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
function thin<T>(values: readonly T[]): T[] {
  return values.filter((_, i) => (values.length - 1 - i) % 2 === 0);
}

const mapColumns = (series: RunSeries, change: (values: readonly number[]) => number[]): RunSeries => ({
  step: change(series.step),
  learningRate: change(series.learningRate),
  gradientNorm: change(series.gradientNorm),
  milliseconds: change(series.milliseconds),
  losses: Object.fromEntries(Object.entries(series.losses).map(([name, values]) => [name, change(values)])),
  accuracy: series.accuracy,
  spectra: series.spectra,
});

/** The series with more steps appended. A term absent from a step is NaN there. Never longer than `LARGEST_SERIES`. */
export function appendSteps(series: RunSeries, events: readonly StepEvent[]): RunSeries {
  if (events.length === 0) return series;
  const before = series.step.length;
  const losses: RunSeries['losses'] = {};
  const names = [Object.keys(series.losses), ...events.map((event) => Object.keys(event.losses))].flat();
  for (const name of new Set(names)) {
    const past = series.losses[name] ?? new Array<number>(before).fill(Number.NaN);
    losses[name] = [...past, ...events.map((event) => event.losses[name] ?? Number.NaN)];
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

/** The series with more evaluations. Never longer than `LARGEST_SERIES`; held-out ones and the last validation are kept. */
export function appendEvaluations(series: RunSeries, events: readonly EvaluationEvent[]): RunSeries {
  if (events.length === 0) return series;
  return { ...series, accuracy: thinEvaluations([...series.accuracy, ...events]) };
}

function thinEvaluations<E extends { readonly set: string }>(events: readonly E[]): E[] {
  let kept: readonly E[] = events;
  while (kept.length > LARGEST_SERIES) {
    // A run has one held-out evaluation; if there were ever thousands, they would be thinned too.
    const validation = kept.filter(({ set }) => set === 'validation');
    const thinned = new Set(validation.length > 1 ? thin(validation) : thin(kept));
    kept = kept.filter(
      (event) => thinned.has(event) || (validation.length > 1 && event.set !== 'validation'),
    );
  }
  return [...kept];
}

/** The series with an observation of the student appended, without its curves. Never longer than `LARGEST_SERIES`. */
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
