import { z } from 'zod';

/** What is stored of a run: step events as columns of equal length, every accuracy, and one row per observed spectrum. */

/**
 * A loss term under the method's name for it. Rows are read whatever their terms are called, so that runs of methods this page
 * does not know keep their curves.
 */
const term = z.string().min(1).max(40);
const MAX_TERMS = 32;

/** Maximum number of steps, of evaluations and of spectra stored; beyond it every second one is dropped. */
export const MAX_SERIES_LENGTH = 4000;

// A loss may be NaN or infinite, which is when it matters most to store it.
const number = z.union([
  z.number(),
  z.nan(),
  z.literal(Number.POSITIVE_INFINITY),
  z.literal(Number.NEGATIVE_INFINITY),
]);
const column = z.array(number).max(MAX_SERIES_LENGTH);
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
          lengths: z.array(z.object({ length: count, right: count, wrong: count })).optional(),
          written: number.optional(),
          milliseconds: number,
        }),
      )
      // Older rows hold every evaluation of a run, however many.
      .transform(thinEvaluations),
    /** Absent in runs stored before spectra existed. */
    spectra: z
      .array(z.object({ step: count, effectiveRank: number, stableRank: number, cosine: number }))
      .max(MAX_SERIES_LENGTH)
      .default([]),
    /** Means over the answers that a step was computed from, of a run that draws them. */
    drawn: z
      .array(
        z.object({
          step: count,
          length: number,
          /** Of the right ones; NaN if there are none. */
          rightLength: number,
          right: number,
          formatted: number,
          lengthReward: number,
        }),
      )
      .max(MAX_SERIES_LENGTH)
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
  drawn: [],
};

/** Drops every second value but keeps the last. */
export function thin<T>(values: readonly T[]): T[] {
  return values.filter((_, i) => (values.length - 1 - i) % 2 === 0);
}

export function thinEvaluations<E extends { readonly set: string }>(events: readonly E[]): E[] {
  let kept: readonly E[] = events;
  while (kept.length > MAX_SERIES_LENGTH) {
    // A run has one held-out evaluation; if there were ever thousands, they would be thinned too.
    const validation = kept.filter(({ set }) => set === 'validation');
    const thinned = new Set(validation.length > 1 ? thin(validation) : thin(kept));
    kept = kept.filter(
      (event) => thinned.has(event) || (validation.length > 1 && event.set !== 'validation'),
    );
  }
  return [...kept];
}
