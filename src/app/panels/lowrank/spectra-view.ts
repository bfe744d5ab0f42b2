import type { SampleSpectrum, SpectraReport } from '../../../contract/events';

/** What is said of the spectra, from the spectra. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The median curve of samples, rank by rank; a shorter curve counts as far as it goes. */
export function medianCurve(curves: readonly ArrayLike<number>[]): number[] {
  const longest = Math.max(0, ...curves.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i) =>
    median(curves.flatMap((curve) => (i < curve.length ? [curve[i]!] : []))),
  );
}

export interface SpectraSummary {
  /** Median smallest rank with 95 % of the energy, and the largest. */
  readonly rank95: number;
  readonly rank95Most: number;
  readonly rank99: number;
  readonly effective: number;
  readonly stable: number;
  /** Ranks there could be: the smaller side of the stacked matrix, median. */
  readonly possible: number;
}

export function summaryOf({ samples }: SpectraReport): SpectraSummary {
  const of = (value: (sample: SampleSpectrum) => number) => median(samples.map(value));
  return {
    rank95: of((s) => s.energyRanks[2]),
    rank95Most: Math.max(...samples.map((s) => s.energyRanks[2])),
    rank99: of((s) => s.energyRanks[3]),
    effective: of((s) => s.effectiveRank),
    stable: of((s) => s.stableRank),
    possible: of((s) => s.sigma.length),
  };
}

export const ranksOf = ({ sigma }: SampleSpectrum) => Array.from(sigma, (_, i) => i + 1);

/** σ_i / σ_1. */
export const decayOf = ({ sigma }: SampleSpectrum) => Array.from(sigma, (s) => s / (sigma[0] || 1));
