import { ShapeError } from '../base/errors';
import type { Rng } from '../base/rng';

/** Number of bootstrap resamples, and the percentiles of their medians that bound the band. */
export const DRAWS = 200;
const LOW = 0.025;
const HIGH = 0.975;

/** Rank by rank over curves [k_s]: the median, and the range of 95 % of the medians of resampled curves. */
export interface MedianBand {
  readonly median: Float32Array<ArrayBuffer>;
  readonly low: Float32Array<ArrayBuffer>;
  readonly high: Float32Array<ArrayBuffer>;
  readonly draws: number;
}

/**
 * Percentile bootstrap of the median over samples, drawn with replacement (Efron 1979). Each resample is used for all
 * ranks. Curves differ in length: shorter ones are continued with `after` (1 for a cumulative share, which has reached it;
 * 0 for the decay σ_i/σ₁, as a matrix has no σ past its rank). Throws `ShapeError` for fewer than two curves.
 */
export function medianBand(curves: readonly ArrayLike<number>[], after: number, rng: Rng): MedianBand {
  const count = curves.length;
  if (count < 2) throw new ShapeError(`bootstrap over ${count} curves, expected two or more`);
  const length = Math.max(...curves.map((c) => c.length));
  // How often each sample is in each resample.
  const drawn = Array.from({ length: DRAWS }, () => {
    const times = new Uint16Array(count);
    for (let i = 0; i < count; i++) {
      const s = rng.integer(0, count - 1);
      times[s] = (times[s] as number) + 1;
    }
    return times;
  });
  const once = new Uint16Array(count).fill(1);
  const [median, low, high] = [0, 1, 2].map(() => new Float32Array(length)) as [
    Float32Array<ArrayBuffer>,
    Float32Array<ArrayBuffer>,
    Float32Array<ArrayBuffer>,
  ];
  const values = new Float64Array(count);
  const medians = new Float64Array(DRAWS);
  for (let i = 0; i < length; i++) {
    for (const [s, curve] of curves.entries()) values[s] = i < curve.length ? (curve[i] as number) : after;
    // Sorted once per rank: the median of a resample is then a matter of counting.
    const order = Uint32Array.from(curves.keys()).sort(
      (a, b) => (values[a] as number) - (values[b] as number),
    );
    median[i] = countedMedian(values, order, once);
    for (const [d, times] of drawn.entries()) medians[d] = countedMedian(values, order, times);
    medians.sort();
    low[i] = quantile(medians, LOW);
    high[i] = quantile(medians, HIGH);
  }
  return { median, low, high, draws: DRAWS };
}

/** Median of the multiset that holds values[s] `times[s]` times, Σ times = number of values; `order` sorts the values. */
function countedMedian(values: Float64Array, order: Uint32Array, times: Uint16Array): number {
  const total = order.length;
  // The two middle ones, counted from 1; the same one if the count is odd.
  const first = Math.floor((total + 1) / 2);
  const second = Math.floor(total / 2) + 1;
  let seen = 0;
  let below = Number.NaN;
  for (let i = 0; i < total; i++) {
    const s = order[i] as number;
    const before = seen;
    seen += times[s] as number;
    if (before < first && seen >= first) below = values[s] as number;
    if (seen >= second) return (below + (values[s] as number)) / 2;
  }
  return below;
}

/** Linear between the two nearest, like numpy's percentile. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const i = Math.floor(at);
  const low = sorted[i] as number;
  return low + (at - i) * ((sorted[Math.min(i + 1, sorted.length - 1)] as number) - low);
}
