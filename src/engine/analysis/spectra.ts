import { NumericError, ShapeError } from '../base/errors';

/** The shares of energy Σσ² for which the rank is reported. */
export const ENERGY_SHARES = [0.8, 0.9, 0.95, 0.99] as const;

/** Figures computed from one list of singular values, largest first. A matrix of zeros gives zeros throughout. */
export interface Spectrum {
  /** [k]: σ, largest first. */
  readonly sigma: Float32Array<ArrayBuffer>;
  /** [k]: Σ_{i≤r} σ_i / Σ σ_i for r = 1 … k (LoRi figure 6). */
  readonly cumulative: Float64Array<ArrayBuffer>;
  /** Smallest rank that holds each of `ENERGY_SHARES`. */
  readonly energyRanks: readonly [number, number, number, number];
  /** exp of the entropy of σ_i / Σσ (Roy & Vetterli 2007): between 1 and k. */
  readonly effectiveRank: number;
  /** Σσ² / σ₁²: between 1 and k. */
  readonly stableRank: number;
}

/** Σ_{i≤r} σ_i / Σ σ_i for r = 1 … k. */
function cumulativeShare(sigma: ArrayLike<number>): Float64Array<ArrayBuffer> {
  const out = new Float64Array(sigma.length);
  let sum = 0;
  for (let i = 0; i < sigma.length; i++) {
    sum += sigma[i] as number;
    out[i] = sum;
  }
  if (sum > 0) for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) / sum;
  return out;
}

/** Smallest r with Σ_{i≤r} σ² ≥ share · Σσ², for a share in (0, 1]; 0 for zeros. Throws `ShapeError`. */
export function energyRank(sigma: ArrayLike<number>, share: number): number {
  if (!(share > 0 && share <= 1)) throw new ShapeError(`spectra: share must lie in (0, 1], got ${share}`);
  let total = 0;
  for (let i = 0; i < sigma.length; i++) total += (sigma[i] as number) ** 2;
  if (total === 0) return 0;
  let sum = 0;
  for (let i = 0; i < sigma.length; i++) {
    sum += (sigma[i] as number) ** 2;
    if (sum >= share * total) return i + 1;
  }
  return sigma.length;
}

export function effectiveRank(sigma: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < sigma.length; i++) sum += sigma[i] as number;
  if (sum === 0) return 0;
  let entropy = 0;
  for (let i = 0; i < sigma.length; i++) {
    const p = (sigma[i] as number) / sum;
    if (p > 0) entropy -= p * Math.log(p);
  }
  return Math.exp(entropy);
}

export function stableRank(sigma: ArrayLike<number>): number {
  const first = sigma[0] ?? 0;
  if (first === 0) return 0;
  let sum = 0;
  for (let i = 0; i < sigma.length; i++) sum += ((sigma[i] as number) / first) ** 2;
  return sum;
}

/** Throws `NumericError` if a singular value is not finite. */
export function spectrumOf(sigma: Float32Array<ArrayBuffer>): Spectrum {
  const bad = sigma.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new NumericError(
      `singular value ${bad + 1} of ${sigma.length} is ${sigma[bad]}, expected a finite number: the hidden states are too large for float32`,
      'Use another model or checkpoint: the weights of this one are damaged, or overflow.',
    );
  return {
    sigma,
    cumulative: cumulativeShare(sigma),
    energyRanks: ENERGY_SHARES.map((share) => energyRank(sigma, share)) as [number, number, number, number],
    effectiveRank: effectiveRank(sigma),
    stableRank: stableRank(sigma),
  };
}
