import { percent, type Share, wilson } from './interval';
import type { Subject } from './lens';
import type { ProblemSource } from './problem-source';
import { mean } from './statistics';

/**
 * Counterfactual stopping: every problem is answered as if the student had stopped after k thoughts, for every k, and each
 * answer is set against the probability with which its stop head would have stopped there.
 */
export interface StoppingRequest {
  readonly subject: Subject;
  readonly source: ProblemSource;
  readonly problems: number;
}

export interface StoppingReport {
  readonly request: StoppingRequest;
  readonly label: string;
  readonly model: string;
  /** Fewest and most thoughts: the head is asked after min … max − 1 of them. */
  readonly min: number;
  readonly max: number;
  /** Ids of the n problems, and the steps of their reference rationales. */
  readonly ids: readonly string[];
  readonly steps: readonly number[];
  /** [n, max + 1]: log-odds of stopping after k thoughts, and 1 where the answer given then is right. */
  readonly odds: Float32Array;
  readonly right: Uint8Array;
  /** By problem: after how many thoughts it stops itself. */
  readonly own: readonly number[];
  readonly notes: readonly string[];
  readonly milliseconds: number;
}

/** Of log-odds. */
export const stopProbability = (odds: number): number => 1 / (1 + Math.exp(-odds));

/** A probability, and whether what it is set against happened. */
export interface Forecast {
  readonly probability: number;
  readonly happened: boolean;
}

/** Forecasts of similar probability. */
export interface ReliabilityBin {
  /** Edges: low ≤ p < high, and p ≤ 1 in the last. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** Mean probability; NaN if there are none. */
  readonly probability: number;
  /** Share that happened, with Wilson’s interval. */
  readonly happened: Share;
}

export interface Calibration {
  readonly count: number;
  readonly bins: readonly ReliabilityBin[];
  /** Expected calibration error Σ n_b/n · |share − mean probability|; NaN without forecasts. */
  readonly error: number;
  /** Brier score: mean of (probability − 0 or 1)². */
  readonly brier: number;
}

const BINS = 10;

/** Reliability in bins of equal width (Guo et al. 2017, §2). */
export function calibrationOf(forecasts: readonly Forecast[], bins = BINS): Calibration {
  const n = forecasts.length;
  const counts = new Float64Array(bins);
  const sums = new Float64Array(bins);
  const happened = new Float64Array(bins);
  let brier = 0;
  for (const { probability: p, happened: is } of forecasts) {
    const b = Math.min(bins - 1, Math.floor(p * bins));
    counts[b] = (counts[b] as number) + 1;
    sums[b] = (sums[b] as number) + p;
    if (is) happened[b] = (happened[b] as number) + 1;
    brier += (p - (is ? 1 : 0)) ** 2;
  }
  const all = Array.from({ length: bins }, (_, b): ReliabilityBin => {
    const count = counts[b] as number;
    return {
      ...{ low: b / bins, high: (b + 1) / bins, count },
      probability: (sums[b] as number) / count,
      happened: wilson(happened[b] as number, count),
    };
  });
  const error = all.reduce(
    (sum, { count, probability, happened: { share } }) =>
      sum + (count === 0 ? 0 : (count / n) * Math.abs(share - probability)),
    0,
  );
  return { count: n, bins: all, error: n === 0 ? Number.NaN : error, brier: brier / n };
}

type Answers = Pick<StoppingReport, 'min' | 'max' | 'odds' | 'right' | 'own'>;

/** Every decision that the head is asked for: its probability of stopping, and whether the answer given then is right. */
export function decisionsOf({ min, max, odds, right, own }: Answers): Forecast[] {
  return own.flatMap((_, i) =>
    Array.from({ length: max - min }, (_unused, j) => {
      const at = i * (max + 1) + min + j;
      return { probability: stopProbability(odds[at] as number), happened: right[at] === 1 };
    }),
  );
}

/** If all stopped after k thoughts. */
export interface StoppedAt {
  readonly thoughts: number;
  readonly accuracy: Share;
  /** Mean probability of stopping there. */
  readonly probability: number;
  /** Problems that the student itself ends there, and how many of these answers are right. */
  readonly own: Share;
}

export interface StoppingSummary {
  readonly byThoughts: readonly StoppedAt[];
  /** As it stops itself, and the mean number of thoughts that takes. */
  readonly own: Share;
  readonly thoughts: number;
  /** Right after some number of thoughts from min to max: what no stopping can exceed. */
  readonly best: Share;
  readonly calibration: Calibration;
}

export function summariseStopping(report: Answers): StoppingSummary {
  const { min, max, odds, right, own } = report;
  const n = own.length;
  const isRight = (i: number, k: number): boolean => right[i * (max + 1) + k] === 1;
  const all = own.map((_, i) => i);
  const count = (wanted: (i: number) => boolean): number => all.filter(wanted).length;
  const byThoughts = Array.from({ length: max + 1 }, (_, k): StoppedAt => {
    const there = all.filter((i) => own[i] === k);
    return {
      thoughts: k,
      accuracy: wilson(
        count((i) => isRight(i, k)),
        n,
      ),
      probability: mean(all.map((i) => stopProbability(odds[i * (max + 1) + k] as number))),
      own: wilson(there.filter((i) => isRight(i, k)).length, there.length),
    };
  });
  const ks = Array.from({ length: max - min + 1 }, (_, j) => min + j);
  return {
    byThoughts,
    own: wilson(
      count((i) => isRight(i, own[i] as number)),
      n,
    ),
    thoughts: mean(own),
    best: wilson(
      count((i) => ks.some((k) => isRight(i, k))),
      n,
    ),
    calibration: calibrationOf(decisionsOf(report)),
  };
}

/** What the numbers say, sentence by sentence. */
export function stoppingSentences(
  { label, min, max }: Pick<StoppingReport, 'label' | 'min' | 'max'>,
  { own, thoughts, best, byThoughts, calibration }: StoppingSummary,
): string[] {
  const fixed = byThoughts.filter((one) => one.thoughts >= min);
  const most = Math.max(...fixed.map(({ accuracy }) => accuracy.correct));
  const first = fixed.find(({ accuracy }) => accuracy.correct === most);
  return [
    `As it stops itself, after ${thoughts.toFixed(2)} thoughts on average, the ${label} gets ${percent(own.share)} right (${own.correct} of ${own.total}).`,
    first
      ? `Stopped after ${first.thoughts} on every problem it would get ${percent(first.accuracy.share)}, the most of all fixed numbers; a choice that knew the answers would get ${percent(best.share)}.`
      : '',
    max > min
      ? `Its probability of stopping, read as that of being right then, errs by ${percent(calibration.error)} on average (expected calibration error of ${calibration.count} decisions in ${BINS} bins). It is trained to stop, not to forecast: a calibrated head is no claim of its method.`
      : 'It has no decision to make: fewest and most thoughts are the same number.',
  ].filter((sentence) => sentence !== '');
}
