import type { EvaluationEvent, GroupsEvent, RunEvent, SpectrumEvent, StepEvent } from './events';
import { MAX_SERIES_LENGTH, type RunSeries, thin, thinEvaluations } from './series-schema';

/** A run's series as its events come in. */

const mapColumns = (series: RunSeries, change: (values: readonly number[]) => number[]): RunSeries => ({
  ...series,
  step: change(series.step),
  learningRate: change(series.learningRate),
  gradientNorm: change(series.gradientNorm),
  milliseconds: change(series.milliseconds),
  losses: Object.fromEntries(Object.entries(series.losses).map(([name, values]) => [name, change(values)])),
});

/** Every second row is dropped while there are too many. */
const limited = <T>(rows: readonly T[]): T[] => {
  let kept = [...rows];
  while (kept.length > MAX_SERIES_LENGTH) kept = thin(kept);
  return kept;
};

/** The series with everything that belongs into it of these events. */
export function appendEvents(series: RunSeries, events: readonly RunEvent[]): RunSeries {
  const of = <K extends RunEvent['kind']>(kind: K) =>
    events.filter((event): event is Extract<RunEvent, { kind: K }> => event.kind === kind);
  const stepped = appendSteps(series, of('step'));
  const observed = appendDrawn(appendSpectra(stepped, of('spectrum')), of('groups'));
  return appendEvaluations(observed, of('evaluation'));
}

/** The series with more steps appended. A term absent from a step is NaN there. Never longer than `MAX_SERIES_LENGTH`. */
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
    ...series,
    step: [...series.step, ...events.map((event) => event.step)],
    learningRate: [...series.learningRate, ...events.map((event) => event.learningRate)],
    gradientNorm: [...series.gradientNorm, ...events.map((event) => event.gradientNorm)],
    milliseconds: [...series.milliseconds, ...events.map((event) => event.milliseconds)],
    losses,
  };
  while (next.step.length > MAX_SERIES_LENGTH) next = mapColumns(next, thin);
  return next;
}

/** The series with more evaluations. Never longer than `MAX_SERIES_LENGTH`; held-out ones and the last validation are kept. */
export function appendEvaluations(series: RunSeries, events: readonly EvaluationEvent[]): RunSeries {
  if (events.length === 0) return series;
  return { ...series, accuracy: thinEvaluations([...series.accuracy, ...events]) };
}

/** The series with an observation of the student appended, without its curves. Never longer than `MAX_SERIES_LENGTH`. */
export function appendSpectra(series: RunSeries, events: readonly SpectrumEvent[]): RunSeries {
  if (events.length === 0) return series;
  const rows = events.map(({ step, effectiveRank, stableRank, cosine }) => ({
    step,
    effectiveRank,
    stableRank,
    cosine,
  }));
  return { ...series, spectra: limited([...series.spectra, ...rows]) };
}

/** The series with means over drawn answers appended. Never longer than `MAX_SERIES_LENGTH`. */
export function appendDrawn(series: RunSeries, events: readonly GroupsEvent[]): RunSeries {
  if (events.length === 0) return series;
  return { ...series, drawn: limited([...series.drawn, ...events.map(drawnMeans)]) };
}

function drawnMeans({ step, groups }: GroupsEvent): RunSeries['drawn'][number] {
  const all = groups.flatMap(({ completions }) => completions);
  const mean = <T>(values: readonly T[], of: (value: T) => number): number =>
    values.reduce((sum, value) => sum + of(value), 0) / values.length;
  const right = all.filter(({ reward }) => reward.correct === 1);
  return {
    step,
    length: mean(all, ({ length }) => length),
    rightLength: mean(right, ({ length }) => length),
    right: right.length / all.length,
    formatted: mean(all, ({ formatted }) => (formatted ? 1 : 0)),
    lengthReward: mean(all, ({ reward }) => reward.length),
  };
}
