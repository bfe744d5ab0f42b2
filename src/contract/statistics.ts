/** Summary statistics, defined once for the engine, the headless commands and the page. */

/** The median (the mean of the two middle values of an even number), without NaN values; NaN if there are none. */
export function median(values: readonly number[]): number {
  return quantile(
    values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b),
    0.5,
  );
}

/** Quantile of ascending values, linear between the two nearest (numpy's default); NaN for none. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = share * (sorted.length - 1);
  const i = Math.floor(at);
  const low = sorted[i] as number;
  if (at === i) return low;
  const high = sorted[i + 1] as number;
  // The midpoint as (low + high) / 2, so that a median of whole numbers is exact.
  return at - i === 0.5 ? (low + high) / 2 : low + (at - i) * (high - low);
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Sample standard deviation (n − 1 in the denominator); NaN for fewer than two values. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return Number.NaN;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export const RESAMPLES = 10_000;

/**
 * 95 % percentile bootstrap interval (Efron 1979) of a statistic of `values`, from `RESAMPLES` resamples drawn with
 * replacement by a generator with a fixed seed: equal values give equal intervals. `null` for fewer than two values.
 */
export function bootstrapInterval(
  values: readonly number[],
  statistic: (resample: readonly number[]) => number,
  resamples = RESAMPLES,
): Interval | null {
  const n = values.length;
  if (n < 2) return null;
  const draw = splitmix32(1);
  const found = new Float64Array(resamples);
  const resample = new Array<number>(n);
  for (let r = 0; r < resamples; r++) {
    for (let i = 0; i < n; i++) resample[i] = values[Math.floor(draw() * n)] as number;
    found[r] = statistic(resample);
  }
  found.sort();
  return { low: quantile(found, 0.025), high: quantile(found, 0.975) };
}

/** Uniform in [0, 1), 32 bits (Steele, Lea & Flood 2014, in its 32-bit form). */
export function splitmix32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
}
