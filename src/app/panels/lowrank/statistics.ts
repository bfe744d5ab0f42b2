import type { Spectrum } from '../../../contract/lens';
import { median } from '../../../contract/statistics';

/** Medians and shares that the page states in words. */

/** The median curve, position by position; a shorter curve counts as far as it goes. */
export function medianCurve(curves: readonly ArrayLike<number>[]): number[] {
  const longest = Math.max(0, ...curves.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i) =>
    median(curves.flatMap((curve) => (i < curve.length ? [curve[i]!] : []))),
  );
}

export const medianOf = (spectra: readonly Spectrum[], value: (spectrum: Spectrum) => number) =>
  median(spectra.map(value));

export interface SpectraSummary {
  /** Median smallest rank with 95 % of the energy, and the largest. */
  readonly rank95: number;
  readonly rank95Most: number;
  readonly rank99: number;
  readonly effective: number;
  readonly stable: number;
  /** Largest possible rank: the smaller side of the matrix, median. */
  readonly possible: number;
}

export const summaryOf = (spectra: readonly Spectrum[]): SpectraSummary => ({
  rank95: medianOf(spectra, (s) => s.energyRanks[2]),
  rank95Most: Math.max(...spectra.map((s) => s.energyRanks[2])),
  rank99: medianOf(spectra, (s) => s.energyRanks[3]),
  effective: medianOf(spectra, (s) => s.effectiveRank),
  stable: medianOf(spectra, (s) => s.stableRank),
  possible: medianOf(spectra, possibleRank),
});

/** Largest rank the matrix could have. */
export const possibleRank = ({ sigma, rows }: Spectrum) => Math.min(sigma.length, rows);

/** The axis of layers: whole numbers, at most a dozen of them labelled. */
export const layerAxis = (layers: number) => ({
  label: 'layer ℓ',
  column: 'layer',
  step: Math.max(1, Math.ceil(layers / 12)),
});

/** 1, 2, … up to the number of values. */
export const countsOf = ({ length }: ArrayLike<unknown>): number[] => Array.from({ length }, (_, i) => i + 1);

/** σ_i / σ_1. */
export const decayOf = ({ sigma }: Pick<Spectrum, 'sigma'>) => Array.from(sigma, (s) => s / (sigma[0] || 1));

/** Smallest number of leading values with this share of Σσ². */
export function rankOf(sigma: ArrayLike<number>, share: number): number {
  const squares = Array.from(sigma, (s) => s * s);
  const total = squares.reduce((sum, s) => sum + s, 0);
  let kept = 0;
  for (let rank = 0; rank < squares.length; rank++) {
    if (kept >= share * total) return rank;
    kept += squares[rank]!;
  }
  return squares.length;
}

/** Pearson's correlation; NaN if one side is constant. */
export function correlation(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    xy += (x[i]! - mx) * (y[i]! - my);
    xx += (x[i]! - mx) ** 2;
    yy += (y[i]! - my) ** 2;
  }
  return xx === 0 || yy === 0 ? Number.NaN : xy / Math.sqrt(xx * yy);
}

/** Energy kept by the leading (i, j) of a Tucker core: sums over both modes of its energy [rows, columns]. */
export function keptEnergy(energy: ArrayLike<number>, columns: number): Float64Array {
  const kept = new Float64Array(energy.length);
  for (let at = 0; at < energy.length; at++) {
    const [i, j] = [Math.floor(at / columns), at % columns];
    kept[at] =
      energy[at]! +
      (i > 0 ? kept[at - columns]! : 0) +
      (j > 0 ? kept[at - 1]! : 0) -
      (i > 0 && j > 0 ? kept[at - columns - 1]! : 0);
  }
  return kept;
}

/** The (r_L, r_H) with the fewest entries r_L·r_H that keeps this share, or `null` if none does. */
export function smallestCore(
  kept: ArrayLike<number>,
  columns: number,
  share: number,
): { readonly layerRank: number; readonly hiddenRank: number } | null {
  let best: { layerRank: number; hiddenRank: number } | null = null;
  for (let at = 0; at < kept.length; at++) {
    if (!(kept[at]! >= share)) continue;
    const [layerRank, hiddenRank] = [Math.floor(at / columns) + 1, (at % columns) + 1];
    if (!best || layerRank * hiddenRank < best.layerRank * best.hiddenRank) best = { layerRank, hiddenRank };
  }
  return best;
}
